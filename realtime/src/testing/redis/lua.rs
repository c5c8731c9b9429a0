//! Runs the broker's scripts as Redis does: with Lua 5.1, whole, and with Redis' own rules for what becomes of values on
//! their way in and out.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mlua::{Function, Lua, MultiValue, Table, Value as LuaValue};
use redis::Value;

use super::{
    commands::{self, Reply},
    keyspace::{Bytes, Keyspace},
};
use crate::server::broker::redis::script::Script;

/// A message on a channel.
pub(super) type Published = (Bytes, Bytes);

/// What scripts work on.
#[derive(Debug, Default)]
pub(super) struct Data {
    pub(super) keyspace: Keyspace,
    /// What was published and has not been taken yet.
    pub(super) published: Vec<Published>,
}

/// See the [module](self).
pub(super) struct Scripts {
    lua: Lua,
    compiled: HashMap<&'static str, Function>,
    data: Arc<Mutex<Data>>,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let data = Arc::new(Mutex::new(Data::default()));
        let lua = Lua::new();
        let called = data.clone();
        let call = lua
            .create_function(move |lua, words: MultiValue| {
                let words: Vec<Bytes> = words.into_iter().map(|word| argument(&word)).collect();
                to_lua(lua, call(&mut lock(&called), &words))
            })
            .expect("a function of Lua");
        let redis = lua.create_table().expect("a table of Lua");
        redis.set("call", call).expect("a field of a table");
        lua.globals().set("redis", redis).expect("a global of Lua");
        Self {
            lua,
            compiled: HashMap::new(),
            data,
        }
    }

    pub(super) fn data(&self) -> MutexGuard<'_, Data> {
        lock(&self.data)
    }

    /// Runs a script. One that fails is a panic: a real one would leave half of its work behind.
    pub(super) fn run(
        &mut self,
        script: &'static Script,
        keys: &[String],
        args: &[Bytes],
    ) -> Value {
        let mut run = || -> mlua::Result<Value> {
            let compiled = match self.compiled.entry(&script.sha) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(unknown) => {
                    let compiled = self.lua.load(script.text).into_function()?;
                    unknown.insert(compiled).clone()
                }
            };
            let strings = |all: &mut dyn Iterator<Item = &[u8]>| -> mlua::Result<Table> {
                let list = self.lua.create_table()?;
                for text in all {
                    list.push(self.lua.create_string(text)?)?;
                }
                Ok(list)
            };
            let keys = strings(&mut keys.iter().map(String::as_bytes))?;
            let args = strings(&mut args.iter().map(Vec::as_slice))?;
            self.lua.globals().set("KEYS", keys)?;
            self.lua.globals().set("ARGV", args)?;
            from_lua(compiled.call(())?)
        };
        run().unwrap_or_else(|error| panic!("a script failed: {error}"))
    }
}

fn lock(data: &Mutex<Data>) -> MutexGuard<'_, Data> {
    data.lock().unwrap_or_else(PoisonError::into_inner)
}

fn call(data: &mut Data, words: &[Bytes]) -> Reply {
    match words {
        [name, channel, payload] if name == b"PUBLISH" => {
            data.published.push((channel.clone(), payload.clone()));
            // To how many, which no script looks at.
            Reply::Int(0)
        }
        _ => commands::call(&mut data.keyspace, words),
    }
}

/// A number is written without a fraction, as `%.17g` writes whole ones.
fn argument(word: &LuaValue) -> Bytes {
    match word {
        LuaValue::String(text) => text.as_bytes().to_vec(),
        LuaValue::Integer(number) => number.to_string().into_bytes(),
        LuaValue::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            format!("{number:.0}").into_bytes()
        }
        other => {
            panic!("ERR Lua redis lib command arguments must be strings or integers: {other:?}")
        }
    }
}

fn to_lua(lua: &Lua, reply: Reply) -> mlua::Result<LuaValue> {
    Ok(match reply {
        Reply::Nil => LuaValue::Boolean(false),
        Reply::Int(number) => LuaValue::Number(number as f64),
        Reply::Bulk(text) => LuaValue::String(lua.create_string(text)?),
        Reply::Array(all) => {
            let list = lua.create_table()?;
            for (place, reply) in (1..).zip(all) {
                list.raw_set(place, to_lua(lua, reply)?)?;
            }
            LuaValue::Table(list)
        }
    })
}

/// A list ends before its first nil; numbers lose their fractions; true is 1, and false is nil.
fn from_lua(value: LuaValue) -> mlua::Result<Value> {
    Ok(match value {
        LuaValue::Nil | LuaValue::Boolean(false) => Value::Nil,
        LuaValue::Boolean(true) => Value::Int(1),
        LuaValue::Integer(number) => Value::Int(number),
        LuaValue::Number(number) => Value::Int(number as i64),
        LuaValue::String(text) => Value::BulkString(text.as_bytes().to_vec()),
        LuaValue::Table(table) => {
            for field in ["ok", "err", "double", "map", "set"] {
                assert!(
                    !table.contains_key(field)?,
                    "a reply with `{field}`: not foreseen here"
                );
            }
            let mut list = Vec::new();
            loop {
                match table.raw_get(list.len() + 1)? {
                    LuaValue::Nil => break,
                    value => list.push(from_lua(value)?),
                }
            }
            Value::Array(list)
        }
        other => panic!("Redis answers nil for {other:?}, and no script means that"),
    })
}
