//! A world outside that a test decides: it answers what it is told to, keeps what was asked, and lets other things happen
//! while it does.

use super::*;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Poll;
use zeroize::Zeroizing;

#[derive(Clone, Default)]
pub(super) struct Outside {
    pub answers: Rc<RefCell<VecDeque<Result<RemoteAnswer, NoAnswer>>>>,
    pub sent: Rc<RefCell<Vec<RemoteRequest>>>,
    /// Logins as `kind host:port security user password`.
    pub logins: Rc<RefCell<Vec<String>>>,
    pub refuses: Option<LoginRefused>,
    /// What happens while the next answer is on its way.
    pub meanwhile: Rc<RefCell<Option<Happening>>>,
    /// Never answers.
    pub is_silent: bool,
}

type Happening = Box<dyn FnOnce()>;

impl Outside {
    pub(super) fn answering(answers: impl IntoIterator<Item = (u16, Json)>) -> Self {
        let answers = answers.into_iter().map(|(status, body)| {
            let body = Zeroizing::new(body.to_string().into_bytes());
            Ok(RemoteAnswer { status, retry_after: None, body })
        });
        Self { answers: Rc::new(RefCell::new(answers.collect())), ..Self::default() }
    }

    pub(super) fn meanwhile(self, happens: impl FnOnce() + 'static) -> Self {
        *self.meanwhile.borrow_mut() = Some(Box::new(happens));
        self
    }

    /// What was asked, by URL and form.
    pub(super) fn asked(&self) -> Vec<(String, Vec<(String, String)>)> {
        let sent = self.sent.borrow();
        let body = |request: &RemoteRequest| {
            let body = request.body.as_ref().map_or(String::new(), |body| body.expose_secret().to_owned());
            url_decoded(&body)
        };
        sent.iter().map(|request| (request.url.clone(), body(request))).collect()
    }

    async fn pass(&self) {
        if self.is_silent {
            std::future::pending::<()>().await;
        }
        // Others get their turn.
        let mut waited = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        if let Some(happens) = self.meanwhile.take() {
            happens();
        }
    }
}

impl Remote for Outside {
    async fn send(&self, request: RemoteRequest) -> Result<RemoteAnswer, NoAnswer> {
        self.sent.borrow_mut().push(request);
        self.pass().await;
        self.answers.borrow_mut().pop_front().unwrap_or(Err(NoAnswer))
    }

    async fn log_in(&self, login: Login<'_>) -> Result<(), LoginRefused> {
        let Login { kind, host, port, security, username, password, .. } = login;
        let password = SecretString::expose_secret(password);
        let text = format!("{kind} {host}:{port} {security} {username} {password}");
        self.logins.borrow_mut().push(text);
        self.pass().await;
        self.refuses.clone().map_or(Ok(()), Err)
    }

    fn now_ms(&self) -> u64 {
        NOW
    }
}

/// The pairs of a form or a query.
pub(super) fn url_decoded(form: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let (mut out, mut bytes) = (Vec::new(), text.bytes());
        while let Some(byte) = bytes.next() {
            out.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
                }
                other => other,
            });
        }
        String::from_utf8(out).unwrap()
    };
    form.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// A query's or form's member.
pub(super) fn member(pairs: &[(String, String)], name: &str) -> String {
    let found = pairs.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}
