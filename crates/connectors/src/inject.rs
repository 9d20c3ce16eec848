//! Puts a credential into a request. What the caller sent in the same place is replaced, never joined.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::auth::{Kind, Placement};
use crate::{Credential, Headers};

#[cfg(test)]
mod tests;

/// A request on its way to the upstream, without its method and body. Opaque in `Debug`: the URL may hold the key.
pub struct Outbound {
    /// From [`BaseUrl::join`](crate::BaseUrl::join).
    pub url: Url,
    /// From [`forward_request`](crate::forward_request).
    pub headers: Headers,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("host", &self.url.authority())
            .field("headers", &self.headers)
            .finish()
    }
}

impl Credential {
    /// Puts this credential into `request`. An OAuth credential without an access token, and `none`, put in nothing.
    pub fn apply(&self, request: &mut Outbound) {
        match &self.0 {
            Kind::Bearer { token } | Kind::OAuth { access: Some(token), .. } => {
                let value = Zeroizing::new(format!("Bearer {}", token.expose_secret()));
                request.headers.set("authorization", &value);
            }
            Kind::ApiKey { placement: Placement::Header(name), value } => {
                request.headers.set_alone(name, value.expose_secret());
            }
            Kind::ApiKey { placement: Placement::Query(name), value } => {
                set_query_parameter(&mut request.url, name, value.expose_secret());
            }
            Kind::Basic { username, password } => {
                let pair =
                    Zeroizing::new(format!("{}:{}", username.expose_secret(), password.expose_secret()));
                let value =
                    Zeroizing::new(format!("Basic {}", *Zeroizing::new(STANDARD.encode(pair.as_bytes()))));
                request.headers.set("authorization", &value);
            }
            Kind::OAuth { access: None, .. } | Kind::None => {}
        }
    }
}

/// Replaces every parameter called `name`, and leaves the others byte for byte as they are.
///
/// A name is compared as the most lenient server would read it: percent-decoded, in any letter case, also after a `;`.
fn set_query_parameter(url: &mut Url, name: &str, value: &str) {
    let is_same = |pair: &str| {
        form_urlencoded::parse(pair.as_bytes()).any(|(other, _)| other.trim().eq_ignore_ascii_case(name))
    };
    let mut query = Zeroizing::new(String::new());
    for pair in url.query().unwrap_or_default().split('&') {
        if !pair.is_empty() && !pair.split(';').any(is_same) {
            query.push_str(pair);
            query.push('&');
        }
    }
    query.extend(form_urlencoded::byte_serialize(name.as_bytes()));
    query.push('=');
    query.extend(form_urlencoded::byte_serialize(value.as_bytes()));
    url.set_query(Some(&query));
}
