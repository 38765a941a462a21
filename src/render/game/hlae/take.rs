//! What HLAE has recorded: folders `take0000`, `take0001` and so on, each with a video and a sound file at some depth.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// The files of one take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    /// The picture.
    pub video: PathBuf,
    /// The sound, if it was recorded.
    pub sound: Option<PathBuf>,
}

/// The last complete take below a folder: a recording that was started again has several.
pub fn last(record: &Path) -> io::Result<Option<Take>> {
    let mut takes = entries(record)?;
    takes.retain(|path| path.is_dir());
    takes.sort();
    for take in takes.iter().rev() {
        let files = below(take)?;
        let with = |extension| files.iter().find(|path| path.extension().is_some_and(|found| found == extension));
        if let Some(video) = with("mp4") {
            return Ok(Some(Take { video: video.clone(), sound: with("wav").cloned() }));
        }
    }
    Ok(None)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

/// All files with content, in order.
fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            files.extend(below(&path)?);
        } else if fs::metadata(&path)?.len() > 0 {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_take_with_a_video_counts() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(last(dir.path()).unwrap(), None);
        for path in ["take0000/screen/video.mp4", "take0000/audio.wav", "take0001/screen/video.mp4"] {
            fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
            fs::write(dir.path().join(path), "x").unwrap();
        }
        fs::create_dir(dir.path().join("take0002")).unwrap();
        let at = |path| dir.path().join(path);
        let expected = Take { video: at("take0001/screen/video.mp4"), sound: None };
        assert_eq!(last(dir.path()).unwrap(), Some(expected));
        fs::write(at("take0001/screen/video.mp4"), "").unwrap();
        let expected = Take { video: at("take0000/screen/video.mp4"), sound: Some(at("take0000/audio.wav")) };
        assert_eq!(last(dir.path()).unwrap(), Some(expected), "an empty video is no video");
    }
}
