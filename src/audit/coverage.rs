//! What the project says about coverage, in whichever file coverage.py would read.

/// The files that coverage.py looks into, in its order.
pub const FILES: &[&str] = &[".coveragerc", "setup.cfg", "tox.ini", "pyproject.toml"];

/// The settings that matter when coverage comes in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoverageSettings {
    /// The file that they stand in.
    pub file: String,
    /// The line of `parallel`, where it is on.
    pub parallel: Option<usize>,
    /// The line and the value of `fail_under`.
    pub fail_under: Option<(usize, String)>,
    /// Whether paths of different machines are brought together.
    pub maps_paths: bool,
}

impl CoverageSettings {
    /// Returns the settings of the first of these files that has any; each is its name and its text.
    #[must_use]
    pub fn of_files(files: &[(&str, String)]) -> Self {
        files.iter().find_map(|(name, text)| Self::of_file(name, text)).unwrap_or_default()
    }

    fn of_file(name: &str, text: &str) -> Option<Self> {
        let mut found = Self { file: name.to_owned(), ..Self::default() };
        let mut section: Option<&str> = None;
        let mut any = false;
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(head) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                section = match name {
                    ".coveragerc" => Some(head),
                    "pyproject.toml" => head.strip_prefix("tool.coverage."),
                    _ => head.strip_prefix("coverage:"),
                };
                any |= section.is_some();
                continue;
            }
            let (Some(section), Some((key, value))) = (section, line.split_once('=')) else { continue };
            let value = value.split('#').next().unwrap_or(value).trim();
            let on = matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on");
            match (section, key.trim()) {
                ("run", "parallel") if on => found.parallel = Some(at + 1),
                ("run", "relative_files") if on => found.maps_paths = true,
                ("report", "fail_under") => {
                    found.fail_under = Some((at + 1, value.trim_matches(['"', '\'']).to_owned()));
                }
                ("paths", _) => found.maps_paths = true,
                _ => {}
            }
        }
        any.then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_file_with_a_section_holds() {
        let files = [
            ("setup.cfg", "[metadata]\nname = x\n".to_owned()),
            ("tox.ini", "[coverage:run]\nparallel = yes\n[coverage:report]\nfail_under = 80\n".to_owned()),
            ("pyproject.toml", "[tool.coverage.paths]\nsource = ['a', 'b']\n".to_owned()),
        ];
        let found = CoverageSettings::of_files(&files);
        assert_eq!((found.file.as_str(), found.parallel), ("tox.ini", Some(2)));
        assert_eq!(found.fail_under, Some((4, "80".to_owned())));
        assert!(!found.maps_paths);
        assert!(CoverageSettings::of_files(&files[2..]).maps_paths);
        assert_eq!(CoverageSettings::of_files(&files[..1]), CoverageSettings::default());
    }
}
