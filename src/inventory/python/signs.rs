//! What a call, a variable or a URL says about services, by the catalogue and what the manifest adds to it.

use std::collections::HashSet;

use super::hints::Hints;
use crate::config::{Catalogue, Signs};

/// The position of a service in the list that the sources are searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Sought(pub(super) usize);

/// A service that the sources are searched for.
#[derive(Clone, Debug)]
pub struct SoughtService {
    /// The name that a need of it goes by.
    pub name: crate::ids::ServiceName,
    /// Words that mean it, in lower case.
    pub words: Vec<String>,
    /// How code gives it away.
    pub signs: Signs,
    /// The manifest declares it.
    pub declared: bool,
}

/// The services that the sources are searched for.
#[derive(Debug)]
pub(super) struct SignBook<'c> {
    services: &'c [SoughtService],
    /// The first parts of every full name that says something: most calls are of others.
    tops: HashSet<&'c str>,
    /// What a bare "database" means in this project, where that is known.
    pub(super) database: Option<Sought>,
    /// What Flask's settings say about the database.
    pub(super) flask: Option<Address>,
    /// Where Django's cache lies that is meant where none is named, and where all of them lie.
    pub(super) cache: Vec<Sought>,
    pub(super) caches: Vec<Sought>,
    /// The same by their names.
    pub(super) named_caches: Vec<(String, Vec<Sought>)>,
    /// Where Celery's tasks go, and whether they run at once instead.
    pub(super) tasks: TaskBroker,
}

/// Where tasks go that are put off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TaskBroker {
    /// The services of the broker, where that is known.
    pub(super) services: Vec<Sought>,
    /// The same of dramatiq's actors.
    pub(super) of_actors: Vec<Sought>,
    /// The settings have tasks run where they are called.
    pub(super) eager: bool,
    /// A queue of functions is made that runs them where they are put into it.
    pub(super) queues_run: bool,
}

/// What an address says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// It is that of these services; never empty.
    Of(Vec<Sought>),
    /// It is of something that is no service: a file, memory.
    None,
    /// It does not say.
    Unknown,
}

/// What is known of a call by its full name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Called {
    /// It makes a client of the service.
    Client(Sought),
    /// It opens a connection to the service at once.
    Connects(Sought),
    /// It starts the service in a container.
    Starts(Sought),
    /// Its arguments say which service it is; the flag says that a database is meant where they do not.
    Addressed {
        /// The project's database is meant where no argument says otherwise.
        database: bool,
    },
    /// It reads an environment variable.
    Variable,
    /// It goes to the project's database.
    Database,
    /// It goes to the cache that the settings name.
    Cache,
}

/// The first parts of the full names that are known here and not by the catalogue.
const OF_ITSELF: &[&str] =
    &["aiohttp", "decouple", "django", "environ", "environs", "httpx", "os", "requests", "socket"];

impl<'c> SignBook<'c> {
    pub(super) fn new(services: &'c [SoughtService]) -> Self {
        let addressed = Catalogue::embedded().addressed();
        let signs =
            services.iter().flat_map(|service| service.signs.modules.iter().chain(&service.signs.testing));
        let names = signs
            .chain(&addressed.calls)
            .chain(&addressed.models)
            .chain(&addressed.caches)
            .map(String::as_str)
            .chain(OF_ITSELF.iter().copied());
        let tops = names.map(top).collect();
        Self {
            services,
            tops,
            database: None,
            flask: None,
            cache: Vec::new(),
            caches: Vec::new(),
            named_caches: Vec::new(),
            tasks: TaskBroker::default(),
        }
    }

    pub(super) fn get(&self, sought: Sought) -> &SoughtService {
        &self.services[sought.0]
    }

    /// Returns where the caches of these names lie; any of them where it is not known of each which is meant.
    pub(super) fn caches_named(&self, names: &[String]) -> Vec<Sought> {
        let lies = |name: &String| {
            let mut known = self.named_caches.iter();
            known.find(|(known, _)| known == name).map(|(_, services)| services.iter().copied())
        };
        let all: Option<Vec<_>> = names.iter().map(lies).collect();
        match all {
            Some(all) if !all.is_empty() => distinct(all.into_iter().flatten().collect()),
            _ => self.caches.clone(),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (Sought, &SoughtService)> {
        self.services.iter().enumerate().map(|(at, service)| (Sought(at), service))
    }

    /// Returns what is known of a call by its full name.
    pub(super) fn call(&self, path: &str) -> Option<Called> {
        // Later versions of testcontainers keep their modules in a package of its own.
        if let Some(module) = path.strip_prefix("testcontainers.community.") {
            return self.call(&format!("testcontainers.{module}"));
        }
        if !self.tops.contains(top(path)) {
            return self.named_class(path).map(Called::Client);
        }
        if matches!(
            path,
            "os.getenv"
                | "os.environ.get"
                | "os.environ.pop"
                | "os.environ.__getitem__"
                | "environ.get"
                | "decouple.config"
                | "environs.Env.str"
                | "environs.Env.__call__"
        ) {
            return Some(Called::Variable);
        }
        let addressed = Catalogue::embedded().addressed();
        if addressed.caches.iter().any(|name| path == name || below(path, name).is_some()) {
            return Some(Called::Cache);
        }
        let of_model = addressed.models.iter().find_map(|class| below(path, class));
        if let Some(rest) = of_model {
            let first = rest.split('.').next().unwrap_or(rest);
            return addressed.model_calls.iter().any(|call| call == first).then_some(Called::Database);
        }
        for (sought, service) in self.all() {
            for module in &service.signs.testing {
                if path == module || below(path, module).is_some() {
                    return Some(Called::Starts(sought));
                }
            }
            for module in &service.signs.modules {
                let Some(rest) = below(path, module) else { continue };
                // `Search.execute`: what is only described is not asked for yet, however long the description.
                let named = |name: &String, part: &str, from: &str| match name.split_once('.') {
                    Some((kind, method)) => {
                        part == kind && from.split('.').skip(1).any(|part| part == method)
                    }
                    None => name == part,
                };
                let mut from = rest;
                loop {
                    let part = from.split('.').next().unwrap_or(from);
                    // What is called upon a connection is no further one: `conn.connect` of `psycopg.connect(…)`.
                    if service.signs.connects.iter().any(|name| named(name, part, from)) {
                        return Some(Called::Connects(sought));
                    }
                    if service.signs.clients.iter().any(|name| named(name, part, from)) {
                        return Some(Called::Client(sought));
                    }
                    let Some((_, behind)) = from.split_once('.') else { break };
                    from = behind;
                }
            }
        }
        let is = |name: &String| {
            path == name || below(path, name).is_some_and(|rest| matches!(rest, "connect" | "connect_ex"))
        };
        let over_http = [
            "httpx.Client.",
            "httpx.AsyncClient.",
            "requests.Session.",
            "requests.session.",
            "aiohttp.ClientSession.",
        ]
        .iter()
        .any(|client| {
            path.strip_prefix(client).is_some_and(|rest| {
                matches!(rest, "get" | "post" | "put" | "head" | "delete" | "patch" | "request" | "options")
            })
        });
        let known = over_http
            || addressed.calls.iter().any(is)
            || matches!(path, "socket.socket.connect" | "socket.socket.connect_ex");
        known.then(|| Called::Addressed { database: addressed.database.iter().any(is) })
    }

    /// Returns the service whose name both a class of a library and the library itself bear:
    /// `redis_tools.failover.FailoverRedis`.
    fn named_class(&self, path: &str) -> Option<Sought> {
        /// What is called like a service and is no client of it.
        const OTHERS: &[&str] = &[
            "config",
            "container",
            "dsn",
            "error",
            "exception",
            "fake",
            "field",
            "mock",
            "options",
            "params",
            "settings",
            "stub",
            "test",
            "type",
            "warning",
        ];
        let (_, class) = path.rsplit_once('.')?;
        let library: Vec<&str> = top(path).split('_').collect();
        if library.len() < 2 || !class.starts_with(|c: char| c.is_ascii_uppercase()) {
            return None;
        }
        let words = words_of(class);
        let other = |word: &str| OTHERS.contains(&word);
        if library.iter().any(|word| other(word)) || words.iter().any(|word| other(word)) {
            return None;
        }
        let bears = |service: &SoughtService| {
            service.words.iter().any(|name| words.contains(name) && library.contains(&name.as_str()))
        };
        self.all().find(|(_, service)| bears(service)).map(|(sought, _)| sought)
    }

    /// Returns the services that an address is of: of several only where it names several, as a loop does.
    pub(super) fn address(&self, hints: &Hints) -> Address {
        let mut found: Vec<Sought> = Vec::new();
        let mut local_file = false;
        for text in &hints.texts {
            let Some((scheme, _)) = text.split_once("://") else { continue };
            let edge = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
            let scheme = scheme.rsplit(edge).next().unwrap_or(scheme).to_ascii_lowercase();
            let plain = scheme.split('+').next().unwrap_or(&scheme);
            local_file |= matches!(plain, "sqlite" | "duckdb" | "memory" | "mem" | "fakeredis" | "mongomock");
            let bears = |service: &SoughtService| {
                service.signs.schemes.iter().any(|known| *known == scheme || known == plain)
            };
            found.extend(self.all().find(|(_, service)| bears(service)).map(|(sought, _)| sought));
        }
        if !found.is_empty() {
            return Address::Of(distinct(found));
        }
        if local_file
            || hints.texts.iter().any(|text| {
                text == "sqlite"
                    || text == ":memory:"
                    || text.starts_with("sqlite:")
                    || text.contains("backends.sqlite3")
            })
        {
            return Address::None;
        }
        for text in &hints.texts {
            let backend =
                |service: &SoughtService| service.signs.backends.iter().any(|backend| backend == text);
            let named = self.all().find(|(_, service)| backend(service));
            let named = named.map(|(sought, _)| sought).or_else(|| self.backend_named_after(text));
            found.extend(named);
            let port = text.rsplit_once(':').map(|(_, port)| port.split('/').next().unwrap_or(port));
            let port = port.and_then(|port| port.parse().ok()).or_else(|| text.parse().ok());
            found.extend(port.and_then(|port| self.port(port)));
        }
        found.extend(hints.numbers.iter().filter_map(|number| self.port(*number)));
        if !found.is_empty() {
            return Address::Of(distinct(found));
        }
        // The words nearest to the address come first; of texts only what looks like a variable's name.
        let variable = |text: &&String| {
            text.len() > 2 && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        let mut words = hints.words.iter().chain(hints.texts.iter().filter(variable));
        words.find_map(|word| self.word(word)).map_or(Address::Unknown, |sought| Address::Of(vec![sought]))
    }

    /// Returns the service that a framework's backend is named after: `django_prometheus.db.backends.postgresql`.
    fn backend_named_after(&self, path: &str) -> Option<Sought> {
        if !super::tables::is_path(path) || !words_of(path).iter().any(|word| word.starts_with("backend")) {
            return None;
        }
        self.named_in(path)
    }

    /// Returns the service whose name is a part of a dotted path: `storage.postgresql`, `backends.postgresql_psycopg2`.
    pub(super) fn named_in(&self, path: &str) -> Option<Sought> {
        /// Parts of the names of what talks to nothing: stand-ins, and what only writes a query down.
        const OTHERS: &[&str] =
            &["dialects", "dummy", "fake", "locmem", "memory", "mock", "no", "null", "stub"];
        if words_of(path).iter().any(|word| OTHERS.contains(&word.as_str())) {
            return None;
        }
        let parts = || path.split(['.', '_']).filter(|part| part.len() > 2);
        let named =
            |service: &SoughtService| parts().any(|part| service.words.iter().any(|word| word == part));
        self.all().find(|(_, service)| named(service)).map(|(sought, _)| sought)
    }

    /// Returns the address of a call that opens databases: it is none of a cache, a queue or a store of files.
    pub(super) fn of_database(&self, address: Address) -> Address {
        const OTHERS: &[&str] = &["amqp", "kafka", "memcached", "mongodb", "nats", "redis", "s3"];
        let Address::Of(mut services) = address else { return address };
        services.retain(|service| {
            let signs = &self.get(*service).signs;
            signs.sql || !signs.schemes.iter().any(|scheme| OTHERS.contains(&scheme.as_str()))
        });
        if services.is_empty() { Address::Unknown } else { Address::Of(services) }
    }

    fn port(&self, port: u64) -> Option<Sought> {
        self.all()
            .find(|(_, service)| service.signs.ports.iter().any(|known| u64::from(*known) == port))
            .map(|(sought, _)| sought)
    }

    /// Returns the service that a name is about: `REDIS_URL`, `postgres_reachable`, `esClient`.
    pub(super) fn word(&self, name: &str) -> Option<Sought> {
        if name.len() > 80 || name.contains(char::is_whitespace) {
            return None;
        }
        let parts = words_of(name);
        let by_word = self.all().find(|(_, service)| {
            parts.iter().any(|part| {
                service.words.iter().any(|word| word == part)
                    || service.signs.variables.iter().any(|word| word.eq_ignore_ascii_case(part))
            })
        });
        by_word
            .map(|(sought, _)| sought)
            .or_else(|| Self::is_database(name).then_some(self.database).flatten())
    }

    /// Returns whether a variable's name means the project's database.
    fn is_database(name: &str) -> bool {
        let upper = name.to_ascii_uppercase();
        Catalogue::embedded().addressed().variables.iter().any(|known| {
            let before = upper.strip_suffix(known.as_str());
            let after = upper.strip_prefix(known.as_str());
            before.is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
                || after.is_some_and(|rest| rest.starts_with('_'))
        })
    }

    /// Returns the service whose container an image runs: `docker.io/library/redis:7`.
    pub(super) fn image(&self, image: &str) -> Option<Sought> {
        let name = image.rsplit('/').next().unwrap_or(image);
        let name = name.split(['@', ':']).next().unwrap_or(name).to_ascii_lowercase();
        self.all().find(|(_, service)| service.words.contains(&name)).map(|(sought, _)| sought)
    }

    /// Returns the service that a fixture of a plugin opens.
    pub(super) fn plugin_fixture(&self, name: &str) -> Option<Sought> {
        let is_version = |part: &&str| part.starts_with(|c: char| c.is_ascii_digit());
        let plain: Vec<&str> = name.split('_').filter(|part| !is_version(part)).collect();
        let plain = plain.join("_");
        let own = self.all().find(|(_, service)| service.signs.fixtures.contains(&plain));
        own.map(|(sought, _)| sought).or_else(|| self.fixture_named_after(name))
    }

    /// Returns the service that a fixture is named after which no file of the project has: `db_session`.
    fn fixture_named_after(&self, name: &str) -> Option<Sought> {
        const STAND_INS: &[&str] =
            &["dummy", "fake", "fakeredis", "mock", "mocked", "mocker", "mongomock", "stub"];
        const DATABASE: &[&str] = &["database", "db", "dbsession"];
        const SESSIONS: &[&str] = &["async_session", "session"];
        let words = words_of(name);
        if words.iter().any(|word| STAND_INS.contains(&word.as_str()) || word.starts_with("django")) {
            return None;
        }
        let of =
            |service: &SoughtService| words.iter().any(|word| word.len() > 2 && service.words.contains(word));
        let named = self.all().find(|(_, service)| of(service)).map(|(sought, _)| sought);
        let is_database =
            words.iter().any(|word| DATABASE.contains(&word.as_str())) || SESSIONS.contains(&name);
        named.or_else(|| self.database.filter(|_| is_database))
    }

    /// Returns the services that a bare "database" can mean.
    pub(super) fn databases(&self) -> impl Iterator<Item = (Sought, &SoughtService)> {
        self.all().filter(|(_, service)| service.signs.sql)
    }
}

/// Returns the first part of a full name.
fn top(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

fn distinct(mut found: Vec<Sought>) -> Vec<Sought> {
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns the rest of a dotted path below a module.
fn below<'p>(path: &'p str, module: &str) -> Option<&'p str> {
    path.strip_prefix(module)?.strip_prefix('.')
}

/// Returns the words of a name in lower case: `REDIS_URL`, `redisUrl` and `redis-url` have two.
pub(super) fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut lower_before = false;
    let mut fresh = true;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            fresh = true;
            lower_before = false;
            continue;
        }
        if fresh || (c.is_ascii_uppercase() && lower_before) {
            words.push(String::new());
            fresh = false;
        }
        if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
        lower_before = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sought() -> Vec<SoughtService> {
        super::super::sought_services(
            &crate::config::Config::without_manifest(&std::collections::BTreeSet::new()),
            true,
        )
    }

    fn name_of(services: &[SoughtService], address: Address) -> String {
        match address {
            Address::Of(found) => {
                found.iter().map(|sought| services[sought.0].name.as_str()).collect::<Vec<_>>().join(" ")
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn an_address_says_whose_it_is() {
        let services = sought();
        let book = SignBook::new(&services);
        let of_text = |text: &str| {
            name_of(&services, book.address(&Hints { texts: vec![text.to_owned()], ..Hints::default() }))
        };
        assert_eq!(of_text("postgresql+asyncpg://u:p@db/x"), "postgres");
        assert_eq!(of_text("rediss://cache"), "redis");
        assert_eq!(of_text("sqlite+aiosqlite:///:memory:"), "None");
        assert_eq!(of_text("http://localhost:9200/_cat"), "elasticsearch");
        assert_eq!(of_text("hello"), "Unknown");
        let word =
            Hints { words: vec!["settings".to_owned(), "RABBITMQ_HOST".to_owned()], ..Hints::default() };
        assert_eq!(name_of(&services, book.address(&word)), "rabbitmq");
    }

    #[test]
    fn a_call_is_known_by_its_full_name() {
        let services = sought();
        let book = SignBook::new(&services);
        let redis = book.word("redis").expect("it is in the catalogue");
        assert_eq!(book.call("redis.asyncio.Redis.from_url"), Some(Called::Client(redis)));
        assert_eq!(book.call("redis.exceptions.ConnectionError"), None);
        assert_eq!(book.call("fakeredis.FakeRedis"), None);
        assert_eq!(book.call("redis_tools.failover.FailoverRedis"), Some(Called::Client(redis)));
        assert_eq!(book.call("redis_tools.errors.RedisError"), None);
        assert_eq!(book.call("fake_redis.Redis"), None);
        assert_eq!(book.call("tools.FailoverRedis"), None);
        assert!(matches!(book.call("psycopg.connect"), Some(Called::Connects(_))));
        assert_eq!(book.call("sqlalchemy.create_engine"), Some(Called::Addressed { database: true }));
        assert!(matches!(book.call("testcontainers.postgres.PostgresContainer"), Some(Called::Starts(_))));
    }
}
