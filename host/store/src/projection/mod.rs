//! The projection: entities as the merge of their contributions, what is derived from them, and the watermark, in one
//! SQLite file.
//!
//! All of a batch and the watermark move in one transaction, so a crash anywhere means going on from the watermark.
//! The same records in the same order give the same content to the byte, in whatever batches they come.

mod apply;
mod cells;
mod check_points;
mod contributions;
mod derived;
mod read;
mod records;
mod rows;
mod spans;
mod sums;
mod tiles;
mod values;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, params};
use weir_model::{Calendar, EventNumber, Seq};

pub use apply::Apply;
pub use read::Reader;
pub use records::RecordCounts;
pub use rows::{
    Cell, Changed, ContributionRow, Dimension, EntityRow, NO_EVENT, OutcomeRow, RecordEntities, Said, SampleQuery,
    SampleRow,
};

use crate::derived::{Definition, DerivedError, Doing};
use check_points::{CheckPoints, JOURNAL_PAGES_MAX};
use tiles::Tiling;

/// Version of the tables; a file of another one is rebuilt.
const FORMAT: i64 = 8;
/// Indexes that nothing needs while a projection is filled.
const INDEXES: &str = include_str!("indexes.sql");
/// Takes them away.
const DROP_INDEXES: &str = "DROP INDEX entity_updated; DROP INDEX outcome_stream; DROP INDEX outcome_kind";
/// Most connections kept open for readers that are not reading.
const IDLE_READERS_MAX: usize = 4;
/// What the writer keeps of the file in memory, and while much is written at a time.
const CACHE_KIB: i64 = 16_000;
const CACHE_KIB_IN_BULK: i64 = 32_000;
/// Most statements kept prepared on one connection.
const STATEMENTS_MAX: usize = 64;
/// Longest wait for a lock that another connection holds.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// Entities and all that is derived from them.
#[derive(Debug)]
pub struct Projection {
    path: PathBuf,
    calendar: Calendar,
    /// Before the writer, which then is the last to close and leaves one file behind.
    idle_readers: Mutex<Vec<Connection>>,
    check_points: CheckPoints,
    writer: Mutex<Connection>,
    /// Tiles are computed when it is settled.
    hurries: AtomicBool,
    expects_more: AtomicBool,
}

impl Projection {
    /// Opens the file at `path`, or begins an empty one that is derived under `definition`.
    ///
    /// # Errors
    /// [`DerivedError::Damaged`] when the file is no projection, is damaged, or is of another format.
    pub fn open(path: &Path, definition: &Definition) -> Result<Self, DerivedError> {
        let writer = open_writer(path, &definition.fingerprint)?;
        let (writer, idle_readers) = (Mutex::new(writer), Mutex::default());
        let check_points = CheckPoints::start(path)?;
        let (calendar, [hurries, expects_more]) = (definition.calendar.clone(), [false; 2].map(AtomicBool::new));
        Ok(Self { path: path.to_owned(), calendar, idle_readers, check_points, writer, hurries, expects_more })
    }

    /// The last record that was applied.
    pub fn watermark(&self) -> Result<Seq, DerivedError> {
        Ok(self.reader()?.watermark())
    }

    /// Fingerprint of the definition it is derived under.
    pub fn definition(&self) -> Result<String, DerivedError> {
        self.reader()?.definition()
    }

    /// Begins the one transaction that may write; waits for an earlier one to end.
    pub fn apply(&self) -> Result<Apply<'_>, DerivedError> {
        let hurries = self.hurries.load(Ordering::Relaxed);
        let tiles = if hurries { Tiling::Later } else { Tiling::Now };
        let check_points = Some(&self.check_points).filter(|_| !hurries);
        Apply::begin(self.writer(), &self.calendar, tiles, check_points)
    }

    /// A view of the last finished transaction, which later ones do not change.
    pub fn reader(&self) -> Result<Reader<'_>, DerivedError> {
        let idle = self.idle_readers().pop();
        let connection = idle.map_or_else(|| open_reader(&self.path), Ok)?;
        Reader::begin(connection, self)
    }

    /// Keeps more of the file in memory while there is more to come, and less afterwards.
    pub fn expect_more(&self, more: bool) -> Result<(), DerivedError> {
        if self.expects_more.swap(more, Ordering::Relaxed) == more {
            return Ok(());
        }
        let cache = if more { CACHE_KIB_IN_BULK } else { CACHE_KIB };
        self.writer().pragma_update(None, "cache_size", -cache).doing("prepare the projection for more")
    }

    /// Lets go of what the writer keeps in memory: another projection is about to take the place of this one.
    pub fn rest(&self) {
        // What cannot be let go of costs memory and nothing else.
        let _ = self.writer().execute_batch("PRAGMA shrink_memory");
    }

    /// Writes faster from now on: it has neither tiles nor indexes, and survives neither a fault nor a crash, until it
    /// is [settled](Projection::settle). For one that nobody reads yet, and that is thrown away when that fails.
    pub fn hurry(&self) -> Result<(), DerivedError> {
        // What is open would hold the journal.
        self.idle_readers().clear();
        let writer = self.writer();
        let hurried = writer.execute_batch(DROP_INDEXES).and_then(|()| {
            journal(&writer, "OFF")?;
            writer.pragma_update(None, "synchronous", "OFF")?;
            writer.pragma_update(None, "cache_size", -CACHE_KIB_IN_BULK)
        });
        hurried.doing("prepare the projection to be filled")?;
        self.hurries.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Makes indexes and tiles, makes all that was written in a hurry durable, and goes on as usual.
    pub fn settle(&self) -> Result<(), DerivedError> {
        self.writer().execute_batch(INDEXES).doing("make the indexes")?;
        self.apply()?.tile_all()?;
        self.hurries.store(false, Ordering::Relaxed);
        self.idle_readers().clear();
        let writer = self.writer();
        journal(&writer, "WAL").and_then(|()| usual_pace(&writer)).doing("go on as usual with the projection")?;
        let sync = File::open(&self.path).and_then(|file| file.sync_all());
        sync.map_err(|source| DerivedError::Folder {
            doing: "make the projection durable",
            path: self.path.clone(),
            source,
        })
    }

    /// Gives the last event the number `last`, and those before it numbers that are higher by as much. Numbers never go
    /// down.
    pub fn raise_events(&self, last: EventNumber) -> Result<(), DerivedError> {
        // Over negative numbers, so that no two are equal on the way.
        let sql = "UPDATE event SET number = -(number + :last - (SELECT max(number) FROM event))
                WHERE (SELECT max(number) FROM event) < :last;
            UPDATE event SET number = -number WHERE number < 0";
        let sql = sql.replace(":last", &last.0.to_string());
        self.writer().execute_batch(&sql).doing("number the events")
    }

    /// Writes a copy to a new file at `to`: equal to the byte for equal content.
    pub fn canonical_dump(&self, to: &Path) -> Result<(), DerivedError> {
        let copied = self.writer().execute("VACUUM INTO ?1", params![to.to_string_lossy()]);
        // How often indexes were made is no content.
        let counted = copied.and_then(|_| Connection::open(to)?.pragma_update(None, "schema_version", 1));
        counted.doing("copy the projection")
    }

    fn take_back(&self, connection: Connection) {
        let mut idle = self.idle_readers();
        if idle.len() < IDLE_READERS_MAX {
            idle.push(connection);
        }
    }

    // A poisoned lock is taken over: whoever panicked rolled back on the way, and an idle reader holds nothing.
    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle_readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle_readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_writer(path: &Path, definition: &str) -> Result<Connection, DerivedError> {
    let connection = Connection::open(path).and_then(|connection| prepare_writer(connection, definition));
    let connection = connection.doing("open the projection")?;
    check_format(&connection)?;
    Ok(connection)
}

fn prepare_writer(connection: Connection, definition: &str) -> rusqlite::Result<Connection> {
    prepare(&connection)?;
    journal(&connection, "WAL")?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    usual_pace(&connection)?;
    create_tables(&connection, definition)?;
    Ok(connection)
}

/// Sets how changes are undone, which fails where others have it open.
fn journal(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    let is_set = |set: String| if set.eq_ignore_ascii_case(mode) { Ok(()) } else { Err(rusqlite::Error::InvalidQuery) };
    connection.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |row| row.get(0)).and_then(is_set)
}

/// What a connection is, whether it writes or reads.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Without it, a statement with a bound limit is planned anew whenever another limit is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

fn usual_pace(connection: &Connection) -> rusqlite::Result<()> {
    // A power loss may take the last transactions, never half of one: the log still has their records.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "wal_autocheckpoint", JOURNAL_PAGES_MAX)
}

/// Makes the tables in one transaction, unless they are there.
fn create_tables(connection: &Connection, definition: &str) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    let n_tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if n_tables > 0 {
        return Ok(());
    }
    transaction.execute_batch(include_str!("schema.sql"))?;
    transaction.execute_batch(INDEXES)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.execute("INSERT INTO mark VALUES ('watermark', 0), ('definition', ?1)", params![definition])?;
    transaction.commit()
}

fn check_format(connection: &Connection) -> Result<(), DerivedError> {
    let read = connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    match read.doing("read the format of the projection")? {
        FORMAT => Ok(()),
        other => Err(DerivedError::Damaged {
            doing: "open the projection",
            source: format!("it is of format {other}, this version of Weir reads format {FORMAT}").into(),
        }),
    }
}

fn open_reader(path: &Path) -> Result<Connection, DerivedError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = Connection::open_with_flags(path, flags).and_then(|connection| {
        prepare(&connection)?;
        Ok(connection)
    });
    open.doing("open the projection for reading")
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T, DerivedError> {
        self.map_err(|error| DerivedError::of_store(doing, is_damage(&error), error))
    }
}

/// Besides what SQLite calls damage: values that are not what this module alone writes.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    match error {
        FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) => true,
        other => matches!(other.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)),
    }
}

#[cfg(test)]
mod tests;
