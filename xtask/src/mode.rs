//! Building for development or for release, and what that means to cargo.

use crate::project::Project;

/// For developing or for shipping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Debug,
    Release,
}

impl Mode {
    pub fn new(release: bool) -> Self {
        if release { Self::Release } else { Self::Debug }
    }

    /// The name of the cargo profile, given what the metadata names for each mode.
    fn profile<'a>(self, dev: &'a Option<String>, release: &'a Option<String>) -> &'a str {
        match self {
            Self::Debug => dev.as_deref().unwrap_or("dev"),
            Self::Release => release.as_deref().unwrap_or("release"),
        }
    }

    pub fn client_profile(self, project: &Project) -> &str {
        self.profile(
            &project.leptos.lib_profile_dev,
            &project.leptos.lib_profile_release,
        )
    }

    pub fn server_profile(self, project: &Project) -> &str {
        self.profile(
            &project.leptos.bin_profile_dev,
            &project.leptos.bin_profile_release,
        )
    }
}

/// The folder that cargo names after `profile`.
pub fn profile_folder(profile: &str) -> &str {
    match profile {
        "dev" | "test" => "debug",
        "bench" => "release",
        other => other,
    }
}
