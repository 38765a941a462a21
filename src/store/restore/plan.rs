//! The plan of a restore, saved before it begins: which names it replaces, and where old data goes.

use std::path::Path;
use std::{fs, io};

use crate::os::files;
use crate::store::restore::{PLACES, READY};

/// Name of the plan in `restore.part` and `restore.ready`.
pub const FILE: &str = "aside";
/// Suffix of a name whose content is replaced in place.
const BEHIND: &str = " behind";

/// A restore's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Name of the directories that old data is moved into.
    pub aside: String,
    /// Names to replace, in order, and whether their content is replaced in place. Empty if the plan was written by an
    /// older version, which saved no names.
    pub names: Vec<(&'static str, bool)>,
}

impl Plan {
    /// The plan of the unfinished restore.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(folder.join(READY).join(FILE))?;
        let mut lines = text.lines();
        let aside = lines.next().unwrap_or_default().to_owned();
        let mut names = Vec::new();
        for line in lines {
            let (name, is_behind) = line.strip_suffix(BEHIND).map_or((line, false), |name| (name, true));
            // Unknown names are ignored, so that nothing else is touched.
            names.extend(PLACES.iter().filter(|(known, _)| *known == name).map(|(known, _)| (*known, is_behind)));
        }
        Ok(Self { aside, names })
    }

    /// Saves the plan, durably.
    pub fn write(&self, part: &Path) -> io::Result<()> {
        let mut text = format!("{}\n", self.aside);
        for (name, is_behind) in &self.names {
            text += name;
            text += if *is_behind { BEHIND } else { "" };
            text.push('\n');
        }
        files::write_durably(&part.join(FILE), text.as_bytes())
    }

    /// The names whose content is replaced in place.
    pub fn behind(&self) -> impl Iterator<Item = &'static str> {
        self.names.iter().filter(|(_, is_behind)| *is_behind).map(|(name, _)| *name)
    }
}
