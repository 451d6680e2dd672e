//! The stable names of problems.

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal),+ $(,)?) => {
        /// A stable name for each kind of problem. Tests and the reference iterate [`Code::ALL`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[doc = $doc])+ $name),+ }

        impl Code {
            /// Every code, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name in messages.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// What it stands for, in a sentence.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii()),+ }
            }
        }
    };
}

codes! {
    /// The settings of a channel, trigger or listener contradict each other or cannot be honoured.
    Setting = "setting",
    /// There is no folder with a `landfall.yaml` here or above.
    NoWorkspace = "no-workspace",
    /// A file cannot be opened, or is not UTF-8 text.
    UnreadableFile = "unreadable-file",
    /// A file whose name keeps it from being read.
    UnreadName = "unread-name",
    /// A file is larger, deeper or has more values than landfall reads.
    Limit = "limit",
    /// The file is not YAML.
    Syntax = "yaml-syntax",
    /// YAML reads the line differently from how it looks: an expression needs quotes.
    Trap = "yaml-trap",
    /// A YAML tag (`!word`): definitions have none.
    Tag = "yaml-tag",
    /// `yes`, `no`, `on` or `off` without quotes: text in YAML 1.2, a boolean to many readers.
    AmbiguousWord = "ambiguous-word",
    /// A key stands twice in one mapping.
    DuplicateKey = "duplicate-key",
    /// A key that is not text.
    KeyNotText = "key-not-text",
    /// A key that does not exist here.
    UnknownKey = "unknown-key",
    /// A kind or word that does not exist here.
    UnknownWord = "unknown-word",
    /// A key that must stand here is missing.
    MissingKey = "missing-key",
    /// A value of another type than the key takes.
    WrongType = "wrong-type",
    /// A value that the key does not take.
    BadValue = "bad-value",
    /// Nothing stands where something must: an expression, a file.
    Empty = "empty",
    /// A name that is not spelled as names are.
    Name = "name",
    /// A name that means something else.
    ReservedName = "reserved-name",
    /// Two probes have one name.
    DuplicateProbe = "duplicate-probe",
    /// Two expectations have one name.
    DuplicateName = "duplicate-name",
    /// Several expectations wait on one channel, and one of them has no name.
    NameNeeded = "name-needed",
    /// A channel that the workspace does not define.
    UndefinedChannel = "undefined-channel",
    /// A destination of alerts that the workspace does not define.
    UndefinedDestination = "undefined-destination",
    /// A template or expression names something that is not there.
    UndefinedName = "undefined-name",
    /// A template names a variable of the route, and one of the routes lacks it.
    RouteLacks = "route-lacks-variable",
    /// `seen` or a channel has no such field.
    UnknownField = "unknown-field",
    /// A value is used before it is known.
    NotYetKnown = "not-yet-known",
    /// A template that does not compile.
    Template = "template",
    /// An expression that does not compile.
    Expression = "expression",
    /// A template where none is rendered.
    TemplateNotRendered = "template-not-rendered",
    /// A template in SQL text: values reach SQL bound, never pasted.
    SqlTemplate = "template-in-sql",
    /// What chooses a scheme, host or port comes from something other than `vars` or the route.
    UnsafeAddress = "unsafe-address",
    /// A probe that waits for nothing.
    NoOutcome = "no-outcome",
    /// A number of times that cannot be.
    Times = "times",
    /// A length of time that is zero or absurd where it stands.
    Time = "time",
    /// A schedule that says too little, too much or something that cannot be.
    Schedule = "schedule",
    /// A schedule that fires more often than once a second.
    TooFast = "too-fast",
    /// A schedule that will break the probe's own limits.
    BreaksLimits = "breaks-limits",
    /// A token that is easier to guess than landfall's own.
    WeakToken = "weak-token",
    /// An environment variable that is not set.
    UnsetVariable = "unset-variable",
    /// A file with a secret that cannot be read.
    UnreadableSecret = "unreadable-secret",
    /// A secret too short to be struck out wherever it appears.
    ShortSecret = "short-secret",
    /// A reference to a secret where none is resolved.
    MisplacedSecret = "misplaced-secret",
    /// A value given on the command line that does not fit, or that nothing names.
    Override = "override",
}
