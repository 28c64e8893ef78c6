//! Sets of words that the history stores, each with the name that people know it by.

/// Declares an enum whose values have a stored word and a title: `Name "word" "Title";`. `$what` ends the sentence
/// "`x` is not …" for a word that is none of them.
macro_rules! words {
    (
        $(#[$about:meta])* $type:ident, $what:literal;
        $($(#[$doc:meta])* $name:ident $word:literal $title:literal;)+
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type {
            $($(#[$doc])* $name,)+
        }

        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the word that the history stores.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// Returns the name that people know it by.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)+
                }
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().find(|one| one.as_str() == text);
                found.copied().ok_or_else(|| format!("`{text}` is not {}", $what))
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.title())
            }
        }
    };
}

pub(super) use words;
