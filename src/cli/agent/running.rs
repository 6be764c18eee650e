//! Running: `agent run` and `agent daemon`.

use super::settings::Settings;
use super::{DaemonArgs, JOIN, Place, RESET, RunArgs, log, open};
use crate::agent::apply::Wishes;
use crate::agent::clock;
use crate::agent::daemon::{self, DaemonError};
use crate::agent::queue::Mode;
use crate::agent::report::exit_code;
use crate::agent::run::{self, Fallback, Order, RunError};
use crate::agent::stored::StoredError;
use crate::agent::syslog;
use crate::cli::{Failure, Outcome, Ui};
use crate::model::resource::LogLevel;
use std::path::Path;
use std::sync::Arc;

pub(super) fn run(args: &RunArgs, ui: &mut Ui) -> Outcome {
    let disk = open(&args.place)?;
    let settings = Settings::load(&args.course)?;
    let order = Order {
        wishes: Wishes {
            tags: args.tags.clone(),
            skip_tags: args.skip_tags.clone(),
            ignore_schedules: args.ignore_schedules,
            ..Wishes::default()
        },
        fallback: if args.test { Fallback::Nothing } else { Fallback::Cached },
        patience: args.wait_for_lock,
        ..settings.order(&args.course, if args.noop { Mode::Noop } else { Mode::Converge })
    };
    order.brake.pull_on_signals().map_err(DaemonError::Signals)?;
    let least = least(args.debug, args.verbose || args.test);
    let ran = run::run(&disk, &order, clock::system, &mut |line| {
        if line.level >= least {
            log::print(ui, line);
        }
    });
    match ran {
        Ok(ran) => Ok(exit_code(&ran.report)),
        Err(RunError::Disabled(disabled)) => {
            ui.note(format!("Notice: {disabled}"));
            Ok(1)
        }
        Err(error) => Err(explain(error)),
    }
}

pub(super) fn run_ordered(place: &Place) -> Outcome {
    let disk = open(place)?;
    daemon::obey(&disk, std::io::stdin().lock(), &mut std::io::stdout().lock(), clock::system).map_err(
        |cause| Failure::refused(format!("no order from a daemon: {cause}")).hint("countersign agent run"),
    )?;
    Ok(0)
}

pub(super) fn daemon(args: &DaemonArgs) -> Outcome {
    let disk = open(&args.place)?;
    let settings = Settings::load(&args.course)?;
    let (life, syslog) = (settings.life(args), settings.syslog);
    let reload = || match Settings::load(&args.course) {
        Ok(settings) => Ok(settings.life(args)),
        Err(failure) => Err(failure.text().to_owned()),
    };
    let least = least(args.debug, args.verbose);
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let voice: daemon::Voice = Arc::new(move |line| {
        if line.level >= least {
            log::print_as(&mut Ui::standard(), line, journal);
        }
        if syslog && line.level >= LogLevel::Notice {
            syslog::send(Path::new(syslog::SOCKET), line);
        }
    });
    daemon::daemon(&disk, (life, &reload), clock::system, voice).map_err(|error| match error {
        DaemonError::Run(error) => explain(error),
        DaemonError::Signals(_) => error.into(),
    })?;
    Ok(0)
}

const fn least(debug: bool, verbose: bool) -> LogLevel {
    match (debug, verbose) {
        (true, _) => LogLevel::Debug,
        (false, true) => LogLevel::Info,
        (false, false) => LogLevel::Notice,
    }
}

fn explain(error: RunError) -> Failure {
    let hint = match &error {
        RunError::NotEnrolled | RunError::Identity(_) => Some(JOIN),
        RunError::Stored(StoredError::Refusal(_)) => Some(RESET),
        RunError::Lock(_) => Some("countersign agent status"),
        _ => None,
    };
    let code = match &error {
        RunError::Stored(StoredError::Refusal(refusal)) => Some(refusal.code()),
        _ => None,
    };
    let text = crate::agent::text(&error);
    let failure = Failure::refused(code.map_or_else(|| text.clone(), |code| format!("{code}: {text}")));
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
