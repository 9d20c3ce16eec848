//! Mail on its way out: from the brand, by the transport that deployment names.

use super::{Isolate, smtp};
use crate::context::random;
use mail::{Address, Content, Error, Mailbox, Message, texts};
use worker::console_error;

/// Sends a mail. Whoever calls keeps it until this succeeds, or fails for good ([`Error::is_temporary`]). A failure is
/// logged here: neither address nor text, but why, and the server's code.
///
/// # Errors
/// Those of the mail and of its server; [`Error::Unreachable`] where this installation sends none.
pub(crate) async fn post(isolate: &Isolate, to: &str, content: Content) -> Result<(), Error> {
    deliver(isolate, to, content).await.inspect_err(|error| {
        let line = serde_json::json!({ "level": "error", "mail": error.to_string(), "code": error.code() });
        console_error!("{}", line);
    })
}

async fn deliver(isolate: &Isolate, to: &str, content: Content) -> Result<(), Error> {
    let Some(mail) = &isolate.mail else { return Err(Error::Unreachable) };
    let from = Mailbox::new(&isolate.config.brand.name, Address::parse(&isolate.config.mail.from)?)?;
    let message = Message { from, to: Address::parse(to)?, content };
    smtp::send(&mail.transport, &message, random().map_err(|_| Error::Unreachable)?).await
}

/// Whom mails are from.
pub(crate) fn brand(isolate: &Isolate) -> texts::Brand<'_> {
    texts::Brand { name: &isolate.config.brand.name, contact: &isolate.config.brand.security_contact }
}
