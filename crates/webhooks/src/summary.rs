//! What a row says in words, for whoever sets up a source: made of the row, so that it cannot say otherwise.

use crate::provider::{
    Algorithm, Binding, ChallengeAnswer, Encoding, Field, Grammar, Handshake, Jwt, Part, Parts, Place, Row,
    Scheme, Tested, UrlCheck,
};

impl Row<'_> {
    /// The scheme in one line: `HMAC-SHA256 of {timestamp}.{body}, hex, in Stripe-Signature (t=…,v1=…)`.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.scheme {
            Scheme::Parts(parts) => describe_parts(parts),
            Scheme::FirstOf(several) => several.iter().map(describe_parts).collect::<Vec<_>>().join("; or "),
            Scheme::Jwt(jwt) => describe_jwt(jwt),
            Scheme::Fetched(fetched) => fetched.describe().to_owned(),
            Scheme::Declared => {
                "HMAC over {body}, and what else the source declares, in the header that it names".to_owned()
            }
        }
    }

    /// How the provider checks the URL before it sends events, in words.
    #[must_use]
    pub fn describe_handshake(&self) -> Option<String> {
        let handshake = self.handshake.map(|handshake| match handshake {
            Handshake::EchoHeader(name) => {
                format!("A POST with {} brings the secret; it is answered with the same header.", title(name))
            }
            Handshake::BodyField(name) => format!(
                "A POST with {name} in its body brings the secret; fetch it and paste it at the provider."
            ),
        });
        let challenges = self.challenge.iter().map(|rule| {
            let (path, value) = rule.kind;
            let answer = match rule.answer {
                ChallengeAnswer::Echo(path) => format!("its {}", dotted(path)),
                ChallengeAnswer::JsonMac { path, .. } => format!("its {} and that one's MAC", dotted(path)),
                ChallengeAnswer::Fixed(json) => json.to_owned(),
                ChallengeAnswer::Nothing => "status 204".to_owned(),
            };
            let unless = rule.unless.map(|path| format!(" and no {}", dotted(path))).unwrap_or_default();
            format!("A signed event with {} = {value}{unless} is answered with {answer}.", dotted(path))
        });
        let check = self.url_check.map(|check| match check {
            UrlCheck::EchoQuery(name) => format!("A GET with {name} is answered with its value."),
            UrlCheck::Head => "A HEAD is answered 200.".to_owned(),
        });
        let confirmation = match self.scheme {
            Scheme::Fetched(fetched) => fetched.describe_confirmation().map(str::to_owned),
            _ => None,
        };
        let words: Vec<String> =
            handshake.into_iter().chain(challenges).chain(check).chain(confirmation).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

impl Tested {
    /// `sdk`, `vector` or `documentation`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Tested::Sdk => "sdk",
            Tested::Vector => "vector",
            Tested::Documentation => "documentation",
        }
    }
}

fn describe_parts(parts: &Parts<'_>) -> String {
    let place = match parts.signature.place {
        Place::Headers(names) => names.iter().map(|name| title(name)).collect::<Vec<_>>().join(" or "),
        Place::Json(path) => format!("{} of the body", dotted(path)),
        Place::Form(name) => format!("{name} of the form"),
    };
    let grammar = match parts.signature.grammar {
        Grammar::One { prefix: "" } => String::new(),
        Grammar::One { prefix } => format!(" ({prefix}…)"),
        Grammar::Pairs { separator, timestamp, signature } => {
            format!(" ({timestamp}=…{separator}{signature}=…)")
        }
        Grammar::Versioned { version } => format!(" ({version},…)"),
        Grammar::Named => " (key|…)".to_owned(),
    };
    let algorithm = match parts.algorithm {
        Algorithm::HmacSha256 => "HMAC-SHA256",
        Algorithm::HmacSha512 => "HMAC-SHA512",
        Algorithm::HmacSha1 => "HMAC-SHA1",
        Algorithm::Ed25519 => "Ed25519",
        Algorithm::EcdsaP256 => "ECDSA (P-256, SHA-256)",
        Algorithm::Token => return format!("The secret itself, in {place}"),
    };
    let encoding = match parts.signature.encoding {
        Encoding::Hex => "hex",
        Encoding::Base64 => "base64",
        Encoding::Base64Url => "base64url",
        Encoding::Text => "text",
    };
    let signed: String = parts.signed.iter().map(describe_part).collect();
    let time = match parts.timestamp.map(|rule| rule.source) {
        Some(Field::Header(name)) => format!("; the time in {}", title(name)),
        Some(Field::Json(path)) => format!("; the time in {} of the body", dotted(path)),
        _ => String::new(),
    };
    format!("{algorithm} of {signed}, {encoding}, in {place}{grammar}{time}")
}

fn describe_part(part: &Part<'_>) -> String {
    match part {
        Part::Text("\n") => "\\n".to_owned(),
        Part::Text(text) => (*text).to_owned(),
        Part::Body => "{body}".to_owned(),
        Part::Timestamp => "{timestamp}".to_owned(),
        Part::Header(name) | Part::Form(name) => format!("{{{name}}}"),
        Part::ListedHeaders(name) => format!("{{headers of {name}}}"),
        Part::Method => "{method}".to_owned(),
        Part::Url | Part::UrlAnyPort => "{url}".to_owned(),
        Part::Path => "{path}".to_owned(),
        Part::Json { path, .. } => format!("{{{}}}", path.last().copied().unwrap_or_default()),
        Part::SortedForm { body_hash: None } => "{sorted form}".to_owned(),
        Part::SortedForm { body_hash: Some(name) } => format!("{{sorted form, or {name} in the URL}}"),
    }
}

fn describe_jwt(jwt: &Jwt<'_>) -> String {
    let binds = match jwt.binds {
        Binding::BodyHash => "sha256 (base64 SHA-256 of {body})",
        Binding::QueryHash => "qsh (hex SHA-256 of {method}&{path}&{sorted query})",
    };
    format!("JWT signed with HS256, its claim {binds}, in {} ({}…)", title(jwt.header), jwt.prefix)
}

/// `x-hub-signature` as it is usually written.
fn title(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

fn dotted(path: &[&str]) -> String {
    path.join(".").replace(".[]", "[]")
}
