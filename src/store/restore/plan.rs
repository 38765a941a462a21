//! What a restore is about to do, written down before it begins: which names it replaces, and where what was there goes.

use std::path::Path;
use std::{fs, io};

use crate::os::files;
use crate::store::restore::{PLACES, READY};

/// The plan's file in `restore.part`, and in `restore.ready`.
pub const FILE: &str = "aside";
/// Behind a name whose content is replaced where it is.
const BEHIND: &str = " behind";

/// A restore's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What the folders are called that the old things go into.
    pub aside: String,
    /// Names that are replaced, in order, and whether that happens where they are. Empty: not known, as an older program
    /// wrote no names.
    pub names: Vec<(&'static str, bool)>,
}

impl Plan {
    /// The plan of the restore that is unfinished.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(folder.join(READY).join(FILE))?;
        let mut lines = text.lines();
        let aside = lines.next().unwrap_or_default().to_owned();
        let mut names = Vec::new();
        for line in lines {
            let (name, is_behind) = line.strip_suffix(BEHIND).map_or((line, false), |name| (name, true));
            // Others are not this program's, and it touches none that it does not know.
            names.extend(PLACES.iter().filter(|(known, _)| *known == name).map(|(known, _)| (*known, is_behind)));
        }
        Ok(Self { aside, names })
    }

    /// Writes it down, durably.
    pub fn write(&self, part: &Path) -> io::Result<()> {
        let mut text = format!("{}\n", self.aside);
        for (name, is_behind) in &self.names {
            text += name;
            text += if *is_behind { BEHIND } else { "" };
            text.push('\n');
        }
        files::write_durably(&part.join(FILE), text.as_bytes())
    }

    /// The names whose content is replaced where they are.
    pub fn behind(&self) -> impl Iterator<Item = &'static str> {
        self.names.iter().filter(|(_, is_behind)| *is_behind).map(|(name, _)| *name)
    }
}
