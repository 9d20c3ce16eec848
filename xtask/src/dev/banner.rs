//! What `cargo xtask dev` ends with: where to click, how to sign in, and lines that work as pasted.

use super::demo::{Demo, EMAIL};
use super::{Neighbours, short};
use crate::ui::seconds;
use std::path::Path;
use std::time::Duration;

/// The demo and what stands around it.
pub(super) struct Banner<'a> {
    pub url: &'a str,
    pub demo: &'a Demo,
    pub neighbours: &'a Neighbours,
    pub mail_page: u16,
    pub state: &'a Path,
    pub took: Duration,
}

impl Banner<'_> {
    pub(super) fn print(&self) {
        let Self { url, demo, neighbours, mail_page, state, took } = *self;
        println!(
            r#"
Sluicegate is running ({took}).

  Dashboard   {url}/     in Chrome or Firefox (Safari does not keep its cookie over http)
  Sign in     {EMAIL}   {password}
  Mail        http://localhost:{mail_page}/   every mail ends here
  Upstream    {echo}   a local echo: it answers with the request that it got
  Receiver    {receiver}   takes webhooks, verifies them, and prints them below

Paste this first: README's blocks use these variables.

  {export}

A call through the credential broker. The upstream got the credential; you do not see it.

  curl -H "Authorization: Bearer $KEY" $URL/v1/connections/$CONNECTION/proxy/hello

A webhook as Stripe signs it. It is verified, stored, and sent on to the receiver, signed by Sluicegate.

  body='{{"id":"evt_demo","type":"invoice.paid"}}'; t=$(date +%s)
  sig=$(printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac '{secret}' -r | cut -d' ' -f1)
  curl -i -d "$body" -H "Stripe-Signature: t=$t,v1=$sig" $URL/in/$SOURCE

An OAuth connection, offline: sign in, open {url}/connectors, pick one, click Allow at the stand-in provider.

State, keys: {state} (delete it to begin anew). Edit a source file and it is rebuilt. Ctrl-C stops.
"#,
            took = seconds(took),
            password = demo.password,
            echo = neighbours.echo.url(),
            receiver = neighbours.receiver.url(),
            export = export(&demo.variables(url, neighbours)),
            secret = demo.source_secret,
            state = short(state),
        );
    }
}

/// One line for a shell. No value needs quotes: they are ids, keys and addresses.
fn export(variables: &[(&str, String)]) -> String {
    let pairs: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("export {}", pairs.join(" "))
}
