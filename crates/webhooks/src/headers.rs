//! Request headers, over whatever the platform keeps them in.

use std::borrow::Cow;

/// Read access to a request's headers.
pub trait Headers {
    /// The value of a header whose lower-case name is given; names compare without regard to case.
    ///
    /// A header that occurs more than once gives its values joined by `", "` in order, as Fetch does: the verifier
    /// relies on seeing a doubled header, and a form that shows only one of the values would hide it.
    fn get(&self, name: &str) -> Option<Cow<'_, str>>;
}

impl<K: AsRef<str>, V: AsRef<str>> Headers for [(K, V)] {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self.iter().filter(|(key, _)| key.as_ref().eq_ignore_ascii_case(name));
        let mut value = Cow::Borrowed(values.next()?.1.as_ref());
        for (_, next) in values {
            let joined = value.to_mut();
            joined.push_str(", ");
            joined.push_str(next.as_ref());
        }
        Some(value)
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Headers for Vec<(K, V)> {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        Headers::get(self.as_slice(), name)
    }
}
