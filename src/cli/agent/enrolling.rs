//! Joining: `agent enroll`, `agent fingerprint` and `agent sealing-key`.

use super::{EnrollArgs, Place, RESET, SealingKeyArgs, open};
use crate::agent::disk::Disk;
use crate::agent::enroll::{self, EnrollError, Existing, Joined, Wish};
use crate::agent::identity::{self, Identity};
use crate::agent::keyring;
use crate::agent::stored::StoredError;
use crate::cli::{Failure, Outcome, Ui};
use crate::model::secret::short;
use crate::model::{Digest, NodeName};
use std::path::Path;

pub(super) fn enroll(args: &EnrollArgs, ui: &mut Ui) -> Outcome {
    let node = args.name.clone().map_or_else(host_name, Ok)?;
    let wish = Wish {
        server: args.server.clone(),
        root: args.root_digest,
        node: node.clone(),
        environment: args.environment.clone(),
        token: args.token.clone(),
        authority: args.server_ca.as_deref().map(authority).transpose()?,
        wait: args.wait,
        existing: if args.reset { Existing::Replace } else { Existing::Keep },
    };
    let disk = Disk::create(&args.place.state)?;
    match enroll::enroll(&disk, &wish) {
        Ok(Joined::Accepted) => {
            ui.line(format!("`{node}` has joined {}", wish.server))?;
            ui.note("next: countersign agent run --test");
            Ok(0)
        }
        Ok(Joined::Pending(fingerprint)) => {
            ui.line(format!("`{node}` waits to be accepted; its key is {fingerprint}"))?;
            ui.note(format!("next: on the server, countersign node accept {node}; then this command again"));
            Ok(1)
        }
        Err(error) => Err(explain(error)),
    }
}

pub(super) fn fingerprint(place: &Place, ui: &mut Ui) -> Outcome {
    let identity = Identity::load(&open(place)?)?;
    ui.line(identity.fingerprint())?;
    Ok(0)
}

pub(super) fn sealing_key(args: &SealingKeyArgs, ui: &mut Ui) -> Outcome {
    let disk = open(&args.place)?;
    let node = Identity::load(&disk)?.node;
    let key = if args.rotate { keyring::rotate(&disk)? } else { keyring::ensure(&disk)? };
    ui.line(format_args!("sealing_key = \"{key}\""))?;
    ui.note(format_args!(
        "its digest begins with {}, which `countersign secret seal` says as well",
        short(key.id())
    ));
    ui.note(format_args!("next: put this line into `nodes/{node}.toml` of the site, above any table"));
    if args.rotate {
        ui.note("then: countersign secret reseal, in the same change");
    }
    Ok(0)
}

fn explain(error: EnrollError) -> Failure {
    let hint = match &error {
        EnrollError::Stored(StoredError::Refusal(_)) => Some(RESET),
        EnrollError::Refusal(refusal) if refusal.code() == "ROOT_DIGEST" => {
            Some("ask whoever runs the site for the digest: countersign trust show")
        }
        EnrollError::Denied { .. } => {
            Some("on the server, countersign node list shows what is known of the name")
        }
        EnrollError::OtherRoot { .. } => Some(RESET),
        _ => None,
    };
    let failure = Failure::refused(format!("{}: {}", error.code(), crate::agent::text(&error)));
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn authority(path: &Path) -> Result<Digest, Failure> {
    let pem = std::fs::read(path).map_err(|cause| Failure::io("cannot read", path, &cause))?;
    let certificates = identity::certificates(&pem).unwrap_or_default();
    let key = certificates.first().and_then(identity::public_key);
    key.ok_or_else(|| Failure::refused(format!("`{}` holds no certificate", path.display())))
}

fn host_name() -> Result<NodeName, Failure> {
    let host = rustix::system::uname();
    let name = host.nodename().to_string_lossy().to_ascii_lowercase();
    name.parse()
        .map_err(|error| Failure::from_error(&error as &crate::model::name::NameError).hint("give --name"))
}
