//! How the files of a workspace are on disk now, to be held against how they were. Cheap enough to be asked every few
//! seconds on any file system: a network file system tells nobody of changes, and a mounted ConfigMap changes by a link
//! two folders up.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::files;
use crate::diag::{Problems, Sources};

/// One file, links followed: device, inode, size, and when it and its inode changed.
type Mark = (u64, u64, u64, (i64, i64), (i64, i64));

/// Every file that a load of the workspace would read: a file that is written, replaced by a rename, behind a link that
/// leads elsewhere, new or gone makes another set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<PathBuf, Option<Mark>>);

impl Marks {
    /// The files below `root`, and these besides: files that secrets are in.
    #[must_use]
    pub fn of(root: &Path, besides: &[PathBuf]) -> Self {
        // What is wrong with a folder is told by the load.
        let (mut sources, mut problems) = (Sources::default(), Problems::default());
        let probes = files::probes(root, &mut sources, &mut problems);
        let paths = probes.into_iter().map(|file| file.path);
        let paths = paths
            .chain([files::workspace(root).path])
            .chain(besides.iter().cloned());
        Self(paths.map(|path| (path.clone(), mark(&path))).collect())
    }

    /// These files besides.
    pub fn and(&mut self, besides: &[PathBuf]) {
        self.0
            .extend(besides.iter().map(|path| (path.clone(), mark(path))));
    }
}

/// `None` where it cannot be asked for: it may be gone.
fn mark(path: &Path) -> Option<Mark> {
    let now = std::fs::metadata(path).ok()?;
    let written = (now.mtime(), now.mtime_nsec());
    let changed = (now.ctime(), now.ctime_nsec());
    Some((now.dev(), now.ino(), now.size(), written, changed))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_way_to_change_a_file_is_another_mark() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("probes/..1")).unwrap();
        fs::create_dir_all(at("probes/..2")).unwrap();
        fs::write(at("landfall.yaml"), "{}").unwrap();
        fs::write(at("probes/..1/a.yaml"), "name: a").unwrap();
        fs::write(at("probes/..2/a.yaml"), "name: b").unwrap();
        symlink("..1", at("probes/..data")).unwrap();
        symlink("..data/a.yaml", at("probes/a.yaml")).unwrap();
        let secret = [at("secret")];
        let mut seen = vec![Marks::of(dir.path(), &secret)];
        let mut changed = |what: &str| {
            let now = Marks::of(dir.path(), &secret);
            assert!(!seen.contains(&now), "{what}");
            assert_eq!(now, Marks::of(dir.path(), &secret), "{what}");
            seen.push(now);
        };
        fs::write(at("landfall.yaml"), "{} ").unwrap();
        changed("written");
        fs::write(at("new"), "{}").unwrap();
        fs::rename(at("new"), at("landfall.yaml")).unwrap();
        changed("replaced by a rename");
        symlink("..2", at("probes/..new")).unwrap();
        fs::rename(at("probes/..new"), at("probes/..data")).unwrap();
        changed("a link that leads elsewhere");
        fs::write(at("probes/b.yaml"), "name: b").unwrap();
        changed("a new file");
        fs::remove_file(at("probes/a.yaml")).unwrap();
        changed("a file that is gone");
        fs::write(at("secret"), "s3cret").unwrap();
        changed("a secret");
        fs::remove_dir_all(at("probes")).unwrap();
        changed("no folder of probes");
    }

    #[test]
    fn what_no_load_reads_is_no_mark() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("probes")).unwrap();
        let before = Marks::of(dir.path(), &[]);
        for name in [
            "landfall.db",
            "probes/.a.yaml.swp",
            "probes/4913",
            "probes/a.yaml~",
        ] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        assert_eq!(before, Marks::of(dir.path(), &[]));
    }
}
