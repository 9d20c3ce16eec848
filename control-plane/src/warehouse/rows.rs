//! The answer, `{"columns":["id",…],"rows":[[1,…],…],"row_count":1,"truncated":false}`, made piece by piece as rows come.
//!
//! Columns are in the statement's order, under the names that it gives them, twice where it gives one twice. No more than
//! one piece is in memory. After a failure no piece follows, so that the JSON stays open and nobody takes half for all.

use super::Failure;
use super::session::only_field;
use super::wire::{Message, Next, Tag, Wire, Writer};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserializer as _, Serialize};
use serde_json::value::RawValue;
use std::{fmt, mem};
use tokio::io::{AsyncRead, AsyncWrite};

/// A piece is handed on when it has this many bytes.
const PIECE: usize = 16 * 1024;

/// The rows of one statement.
pub struct Rows<S> {
    wire: Wire<S>,
    columns: usize,
    /// What was read and not yet written.
    next: Option<Next>,
    piece: Vec<u8>,
    count: u32,
    max_rows: u32,
    /// How many bytes may follow.
    room: usize,
    is_done: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Rows<S> {
    pub(super) fn new(
        wire: Wire<S>,
        columns: Vec<String>,
        first: Next,
        max_rows: u32,
        max_bytes: usize,
    ) -> Self {
        let mut piece = b"{\"columns\":".to_vec();
        append(&mut piece, &columns);
        piece.extend_from_slice(b",\"rows\":[");
        let room = max_bytes.saturating_sub(piece.len());
        Self {
            wire,
            columns: columns.len(),
            next: Some(first),
            piece,
            count: 0,
            max_rows,
            room,
            is_done: false,
        }
    }

    /// The next piece of the answer; `None` behind the last.
    ///
    /// # Errors
    /// When the statement fails underway, or the server does not behave. Then the rows are not to be asked again.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        while !self.is_done && self.piece.len() < PIECE {
            let next = match self.next.take() {
                Some(next) => next,
                None => self.wire.receive_row(self.room).await?,
            };
            match next {
                Next::TooLong => self.finish(true).await,
                Next::Message(Message { tag: Tag::ROW, body }) => self.row(&body).await?,
                Next::Message(Message { tag: Tag::COMPLETE, .. }) => self.finish(false).await,
                Next::Message(Message { tag: Tag::ERROR, body }) => return Err(Failure::of(&body)),
                Next::Message(_) => return Err(Failure::Protocol("answers with what was not asked")),
            }
        }
        Ok(Some(mem::take(&mut self.piece)).filter(|piece| !piece.is_empty()))
    }

    async fn row(&mut self, body: &[u8]) -> Result<(), Failure> {
        const WRONG: Failure = Failure::Protocol("sends a row of another form");
        if self.count == self.max_rows {
            self.finish(true).await;
            return Ok(());
        }
        let before = self.piece.len();
        if self.count > 0 {
            self.piece.push(b',');
        }
        let object = only_field(body).ok_or(WRONG)?;
        let mut json = serde_json::Deserializer::from_str(object);
        let columns = json.deserialize_map(Row(&mut self.piece)).map_err(|_| WRONG)?;
        if columns != self.columns || json.end().is_err() {
            return Err(WRONG);
        }
        match self.room.checked_sub(self.piece.len() - before) {
            Some(room) => {
                self.room = room;
                self.count += 1;
            }
            None => {
                self.piece.truncate(before);
                self.finish(true).await;
            }
        }
        Ok(())
    }

    /// The end of the answer. The server is told, which is a courtesy; the transaction ends with the connection.
    async fn finish(&mut self, truncated: bool) {
        let end = format!("],\"row_count\":{},\"truncated\":{truncated}}}", self.count);
        self.piece.extend_from_slice(end.as_bytes());
        self.is_done = true;
        let _ = self.wire.send(&Writer::default().message(b'X', |_| {}).into_bytes()).await;
    }
}

/// Writes an object's values as an array, each as it stands. How many they are.
struct Row<'a>(&'a mut Vec<u8>);

impl<'de> Visitor<'de> for Row<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        self.0.push(b'[');
        let mut count = 0;
        while map.next_key::<IgnoredAny>()?.is_some() {
            if count > 0 {
                self.0.push(b',');
            }
            let value: &RawValue = map.next_value()?;
            self.0.extend_from_slice(value.get().as_bytes());
            count += 1;
        }
        self.0.push(b']');
        Ok(count)
    }
}

fn append(out: &mut Vec<u8>, value: &impl Serialize) {
    // Fails neither for strings nor for memory.
    let _ = serde_json::to_writer(out, value);
}
