//! Where a host is: looked up once a minute, and not for each request.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// How long an answer holds. A run takes less, and an agent that waits for a trigger has to notice when its server moves.
const HOLDS: Duration = Duration::from_secs(60);

/// The addresses of the one host of a client. It asks for them before each request, on a connection or not, and each
/// lookup costs a thread, because there is no other way to give one up in time.
#[derive(Debug, Default)]
pub(super) struct Names {
    system: DefaultResolver,
    last: Mutex<Option<(Instant, ResolvedSocketAddrs)>>,
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, addresses)) = last.as_ref().filter(|(at, _)| at.elapsed() < HOLDS) {
            return Ok(addresses.clone());
        }
        let addresses = self.system.resolve(uri, config, timeout)?;
        *last = Some((Instant::now(), addresses.clone()));
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::Timeout;
    use ureq::unversioned::transport::time;

    fn ask(names: &Names) -> String {
        let server = Uri::from_static("https://127.0.0.1:8140/pub/x");
        let after = time::Duration::from_secs(5);
        let timeout = NextTimeout { after, reason: Timeout::Resolve, per_read: None, per_write: None };
        let addresses = names.resolve(&server, &Config::builder().build(), timeout).unwrap();
        addresses.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_answer_holds_for_a_minute() {
        let names = Names::default();
        assert_eq!(ask(&names), "127.0.0.1:8140");
        let since = |ago| {
            let mut elsewhere = names.system.empty();
            elsewhere.push("127.0.0.2:1".parse().unwrap());
            *names.last.lock().unwrap() = Some((Instant::now().checked_sub(ago).unwrap(), elsewhere));
        };
        since(HOLDS / 2);
        assert_eq!(ask(&names), "127.0.0.2:1");
        since(HOLDS);
        assert_eq!(ask(&names), "127.0.0.1:8140");
    }
}
