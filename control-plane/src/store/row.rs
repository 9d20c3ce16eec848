//! Values and rows, positional: a statement names its columns, the code reads them in that order.

use super::SqlError;

/// A parameter or a column.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    Null,
    /// At most 2^53 - 1 in magnitude: integers cross into JavaScript as doubles.
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        // Times in ms, sizes and counts: far below 2^53.
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub Vec<Value>);

impl Row {
    /// A text column.
    ///
    /// # Errors
    /// [`SqlError::Row`].
    pub fn text(&self, column: usize) -> Result<&str, SqlError> {
        self.optional_text(column)?.ok_or(SqlError::Row)
    }

    /// A text column that may be null.
    ///
    /// # Errors
    /// [`SqlError::Row`].
    pub fn optional_text(&self, column: usize) -> Result<Option<&str>, SqlError> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(SqlError::Row),
        }
    }

    /// A text column that parses: an id, a role.
    ///
    /// # Errors
    /// [`SqlError::Row`].
    pub fn parse<T: TryFrom<String>>(&self, column: usize) -> Result<T, SqlError> {
        T::try_from(self.text(column)?.to_owned()).map_err(|_| SqlError::Row)
    }

    /// A text column that holds JSON of ours.
    ///
    /// # Errors
    /// [`SqlError::Row`].
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<T, SqlError> {
        serde_json::from_str(self.text(column)?).map_err(|_| SqlError::Row)
    }

    /// A count or a time.
    ///
    /// # Errors
    /// [`SqlError::Row`].
    pub fn number(&self, column: usize) -> Result<u64, SqlError> {
        self.optional_number(column)?.ok_or(SqlError::Row)
    }

    /// A count or a time that may be null.
    ///
    /// # Errors
    /// [`SqlError::Row`].
    pub fn optional_number(&self, column: usize) -> Result<Option<u64>, SqlError> {
        match self.0.get(column) {
            Some(Value::Integer(number)) => u64::try_from(*number).map(Some).map_err(|_| SqlError::Row),
            Some(Value::Null) => Ok(None),
            _ => Err(SqlError::Row),
        }
    }

    /// A blob column.
    ///
    /// # Errors
    /// [`SqlError::Row`].
    pub fn blob(&self, column: usize) -> Result<&[u8], SqlError> {
        self.optional_blob(column)?.ok_or(SqlError::Row)
    }

    /// A blob column that may be null.
    ///
    /// # Errors
    /// [`SqlError::Row`].
    pub fn optional_blob(&self, column: usize) -> Result<Option<&[u8]>, SqlError> {
        match self.0.get(column) {
            Some(Value::Blob(bytes)) => Ok(Some(bytes)),
            Some(Value::Null) => Ok(None),
            _ => Err(SqlError::Row),
        }
    }
}
