//! Every variable: what it means, its unit and its default. `docs/OPERATIONS.md` shows the same, and a test holds both
//! against what the code reads.

mod rows;

pub use rows::GROUPS;

/// A variable.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it means, as the documentation says it.
    meaning: &'static str,
    /// What its value is counted in, or what kind it is of.
    unit: &'static str,
    /// What holds where it is not set.
    default: Usual,
    secrecy: Secrecy,
}

/// What holds where a variable is not set.
#[derive(Clone, Copy)]
enum Usual {
    /// As if it were set to this.
    As(&'static str),
    /// Nothing that could be set; this is what it means.
    Otherwise(&'static str),
}

/// Who may see a value.
#[derive(Clone, Copy)]
enum Secrecy {
    Open,
    Secret,
    /// The address of a file is open, and that of a server holds a password.
    UnlessSqlite,
}

impl Variable {
    /// The value that holds where none is set, if that is one.
    pub fn default(&self) -> Option<&'static str> {
        match self.default {
            Usual::As(value) => Some(value),
            Usual::Otherwise(_) => None,
        }
    }

    /// What holds where it is not set, in words.
    pub fn otherwise(&self) -> &'static str {
        let (Usual::As(words) | Usual::Otherwise(words)) = self.default;
        words
    }

    /// Whether this value of it may be seen.
    pub fn is_shown(&self, value: &str) -> bool {
        match self.secrecy {
            Secrecy::Open => true,
            Secrecy::Secret => false,
            Secrecy::UnlessSqlite => value.trim_start().starts_with("sqlite:"),
        }
    }

    /// As in the documentation.
    #[cfg(test)]
    pub(super) fn row(&self) -> String {
        let default = match self.default {
            Usual::As(value) => format!("`{value}`"),
            Usual::Otherwise(words) => words.to_owned(),
        };
        let Self {
            name,
            meaning,
            unit,
            ..
        } = self;
        format!("| `{name}` | {meaning} | {unit} | {default} |")
    }
}

/// The variables of one concern.
pub struct Group {
    /// What they are about: a heading of the documentation.
    pub about: &'static str,
    /// In the order of the documentation.
    pub variables: &'static [Variable],
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Variable> {
    GROUPS.iter().flat_map(|group| group.variables)
}

/// All of them as text: an executable that runs alone has no documentation beside it.
pub fn help() -> String {
    let mut text = "Environment variables, with what holds where they are not set:\n".to_owned();
    for group in GROUPS {
        text.push_str(&format!("\n{}:\n", group.about));
        for Variable {
            name,
            meaning,
            unit,
            default,
            ..
        } in group.variables
        {
            let default = match default {
                Usual::As(value) => format!("{name}={value}"),
                Usual::Otherwise(words) => format!("{name} ({words})"),
            };
            let said = format!("  {default}\n          {meaning} [{unit}]\n");
            text.push_str(&said.replace('`', ""));
        }
    }
    text
}

/// The variable of this name.
pub fn find(name: &str) -> Option<&'static Variable> {
    all().find(|variable| variable.name == name)
}
