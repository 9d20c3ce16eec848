//! Certificates of webhook providers, from their own hosts.

use crate::control_plane::Unreachable;
use crate::handlers::webhook::{Fetch, Got};
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use std::time::Duration;
use worker::{AbortController, Delay, RequestInit, RequestRedirect};

const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer read, in bytes.
const MAX_BYTES: usize = 16 * 1024;

/// The web.
pub(super) struct Web;

impl Fetch for Web {
    async fn get(&self, url: &str) -> Result<Got, Unreachable> {
        let mut init = RequestInit::new();
        init.with_redirect(RequestRedirect::Manual);
        let request = worker::Request::new_with_init(url, &init).map_err(|_| Unreachable)?;
        let controller = AbortController::default();
        let signal = controller.signal();
        let answer = async {
            let fetch = worker::Fetch::Request(request);
            let mut response = fetch.send_with_signal(&signal).await.map_err(|_| Unreachable)?;
            let mut body = Vec::new();
            if let Ok(mut chunks) = response.stream() {
                while let Some(chunk) = chunks.next().await {
                    body.extend(chunk.map_err(|_| Unreachable)?);
                    if body.len() > MAX_BYTES {
                        return Err(Unreachable);
                    }
                }
            }
            Ok(Got { status: response.status_code(), body })
        };
        let outcome = match select(Box::pin(answer), Delay::from(TIMEOUT)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), pending)) => {
                drop(pending);
                Err(Unreachable)
            }
        };
        // Of an answer that was too long or too late nothing more is read.
        if outcome.is_err() {
            controller.abort();
        }
        outcome
    }
}
