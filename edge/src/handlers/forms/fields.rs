//! `application/x-www-form-urlencoded` (WHATWG URL, section 5.1), in bounds.

use zeroize::Zeroizing;

const MAX_FIELDS: usize = 64;

/// Names that hold a secret: never written into a page again.
const SECRETS: [&str; 9] = [
    "password",
    "current_password",
    "new_password",
    "code",
    "token",
    "value",
    "secret",
    "client_secret",
    "headers",
];

/// A form's fields, in order. Wiped when dropped, since some are secrets; no `Debug` for the same reason.
#[derive(Default)]
pub struct Fields(Vec<(String, Zeroizing<String>)>);

impl Fields {
    /// Reads a body. `None` for more than 64 fields or text that is not UTF-8.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let pairs: Vec<&[u8]> = body.split(|b| *b == b'&').filter(|pair| !pair.is_empty()).collect();
        if pairs.len() > MAX_FIELDS {
            return None;
        }
        let field = |pair: &[u8]| {
            let mut parts = pair.splitn(2, |b| *b == b'=');
            let name = decode(parts.next()?)?;
            Some((name, Zeroizing::new(decode(parts.next().unwrap_or_default())?)))
        };
        pairs.into_iter().map(field).collect::<Option<_>>().map(Self)
    }

    /// The one field that says where a confirmation leads back to.
    pub fn back_to(path: &str) -> Self {
        Self(vec![("back".to_owned(), Zeroizing::new(path.to_owned()))])
    }

    /// Every field's name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// A field's first value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// A field's value without the spaces around it; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default().trim()
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// What follows a prefix of the name, and the value without the spaces around it.
    pub fn below<'f>(&'f self, prefix: &str) -> impl Iterator<Item = (&'f str, &'f str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.trim())))
    }

    /// What may be shown again.
    pub fn without_secrets(mut self) -> Self {
        self.0.retain(|(name, _)| !SECRETS.contains(&name.as_str()) && name != "csrf_token");
        self
    }
}

fn decode(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            // A stray percent sign stands for itself.
            b'%' => match escaped(rest.as_slice()) {
                Some(decoded) => {
                    bytes.push(decoded);
                    rest.nth(1);
                }
                None => bytes.push(b'%'),
            },
            _ => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}

fn escaped(rest: &[u8]) -> Option<u8> {
    let [high, low] = rest.first_chunk::<2>()?.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? << 4 | low?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_decoded() {
        let fields = Fields::parse(b"name=A+b%C3%A9%26&scope=x&scope=y&empty&odd=%zz%4&=").unwrap();
        assert_eq!(fields.get("name"), Some("A bé&"));
        assert_eq!(fields.all("scope").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!((fields.get("empty"), fields.get("none")), (Some(""), None));
        assert_eq!(fields.get("odd"), Some("%zz%4"));
    }

    #[test]
    fn too_many_fields_and_bad_utf8_are_refused() {
        assert!(Fields::parse("a=1&".repeat(65).as_bytes()).is_none());
        assert!(Fields::parse(b"a=%ff").is_none());
    }

    #[test]
    fn secrets_are_not_shown_again() {
        let fields = Fields::parse(
            b"name=n&password=p&token=t&value=v&secret=s&csrf_token=c&code=1&client_secret=x&new_password=n&current_password=o",
        )
        .unwrap();
        let shown = fields.without_secrets();
        assert_eq!(shown.0.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["name"]);
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(body: Vec<u8>) {
            let _ = Fields::parse(&body);
        }

        #[test]
        fn any_text_survives_its_encoding(text in ".{0,40}") {
            let encoded: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
            let fields = Fields::parse(format!("a={encoded}").as_bytes()).unwrap();
            prop_assert_eq!(fields.get("a"), Some(text.as_str()));
        }
    }
}
