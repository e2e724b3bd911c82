//! The place of a ring's document, in a form that programs can compare.

use std::fmt;
use std::path::PathBuf;

/// The place of a ring's document. Two stores with the same location have the same document. `Display` is for
/// people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RingLocation {
    /// A folder with this path.
    Folder(PathBuf),
    /// The database of the service.
    Database,
    /// The secret with this name or ARN in AWS Secrets Manager.
    Secret(String),
}

impl RingLocation {
    /// Whether all instances on one database read the same document there. With folders, each instance may
    /// have its own.
    pub fn is_shared(&self) -> bool {
        !matches!(self, Self::Folder(_))
    }
}

impl fmt::Display for RingLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Database => f.write_str("the database"),
            Self::Secret(id) => write!(f, "the secret {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RingLocation::{Database, Folder, Secret};

    #[test]
    fn a_folder_that_is_called_like_the_database_is_another_place() {
        let folder = Folder("the database".into());
        assert_eq!(folder.to_string(), Database.to_string());
        assert_ne!(folder, Database);
        assert!(!folder.is_shared() && Database.is_shared() && Secret("keys".to_owned()).is_shared());
        assert_eq!(Secret("keys".to_owned()).to_string(), "the secret keys");
    }
}
