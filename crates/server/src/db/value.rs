//! Values that a statement is bound to, kept until it runs.

use sqlx::{Arguments, Database, Encode, Type};
use uuid::Uuid;

use super::{DbError, DbResult};

#[derive(Clone)]
pub enum Value {
    Nothing,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
    Id(Uuid),
}

impl Value {
    /// Adds it to what the engine's statement is run with.
    pub(super) fn bind_to<A: Arguments>(self, values: &mut A) -> DbResult<()>
    where
        for<'v> i64: Encode<'v, A::Database> + Type<A::Database>,
        for<'v> Option<i64>: Encode<'v, A::Database> + Type<A::Database>,
        for<'v> String: Encode<'v, A::Database> + Type<A::Database>,
        for<'v> Vec<u8>: Encode<'v, A::Database> + Type<A::Database>,
        for<'v> Uuid: Encode<'v, A::Database> + Type<A::Database>,
        A::Database: Database,
    {
        let bound = match self {
            Self::Nothing => values.add(None::<i64>),
            Self::Number(number) => values.add(number),
            Self::Text(text) => values.add(text),
            Self::Bytes(bytes) => values.add(bytes),
            Self::Id(id) => values.add(id),
        };
        bound.map_err(|_| DbError::Corrupt("a value to be bound"))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

impl<'v, T> From<&'v Option<T>> for Value
where
    &'v T: Into<Self>,
{
    fn from(value: &'v Option<T>) -> Self {
        value.as_ref().into()
    }
}
