//! A wall clock of its own for a process, which jumps when it is told to: by libfaketime, which is loaded before the C
//! library. Only what the time of day is asked from is false; what measures time goes on as it did. Linux only.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::Result;

/// See the [module](self).
pub struct WallClock {
    folder: PathBuf,
    library: String,
}

impl WallClock {
    /// One that goes right.
    pub fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("rt-clock-{:08x}", rand::random::<u32>()));
        fs::create_dir_all(&folder)?;
        let mut clock = Self {
            folder,
            library: String::new(),
        };
        // It knows where its library for processes with threads is.
        let asked = Command::new("faketime")
            .args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"])
            .output()
            .map_err(|error| format!("`faketime` does not start, is it installed? {error}"))?;
        clock.library = String::from_utf8(asked.stdout)?.trim().to_owned();
        clock.jump_to(0)?;
        Ok(clock)
    }

    /// From now on it is so many seconds ahead.
    pub fn jump_to(&self, ahead: i64) -> Result<()> {
        // In one step: it is read all the time.
        let new = self.folder.join("new");
        fs::write(&new, format!("{ahead:+}\n"))?;
        fs::rename(new, self.file())?;
        Ok(())
    }

    /// What a process needs in its environment to go by this clock.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        // With jemalloc, which asks for the time while the library still looks for the real one, neither would start: so
        // memory is had of the C library.
        let libraries = format!("{} libc.so.6", self.library);
        vec![
            ("LD_PRELOAD", libraries),
            (
                "FAKETIME_TIMESTAMP_FILE",
                self.file().to_string_lossy().into_owned(),
            ),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }

    /// Removes what the library keeps for a process, once that runs: one that is killed would leave it behind.
    pub fn tidy(process: u32) {
        for name in ["faketime_shm_", "sem.faketime_sem_"] {
            let _ = fs::remove_file(Path::new("/dev/shm").join(format!("{name}{process}")));
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.join("ahead")
    }
}

impl Drop for WallClock {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
