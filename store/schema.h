/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * schema.h - snitch.db as SQL text: data only, read by store (which creates it) and view (which asks it).
 *
 * People query the views; the tables behind them may change with SCHEMA_VERSION. Times are unix seconds
 * (UTC), ids are 0 where nothing is known. Text has passed text.c: valid UTF-8, other bytes as \xNN.
 *
 * - program: one executable file under one name (exe, comm, SHA-256); a script is one without a name
 * - image: program, script, command line, parent image and place
 * - place: what is known of a cgroup: container, unit, path
 * - flow: the facts, one row per flow and window; id rises with time
 * - address, domain, account: interned text
 * - sum_*: rollups by program and peer (views traffic_*); total_*: by program (views totals_*)
 * - loss: what we could not see or keep
 * - location: the paths of programs, and what was last seen there; change: where that was other than before
 * - packaged: which package brought an executable
 * - proof: what was watched since each start, a row per hook and test
 * - event: what the desktop was told, or would have been; acknowledged: what people said about programs
 * - library, library_set, library_member, image_libraries: files loaded into images, each set of them once
 * - interface_hour: what passed the network interfaces, and what of it was counted for programs
 * - chain: a row per transaction that wrote flows, each with a hash over its content and the row before; run:
 * under which log id; late: images whose hash was pending when flows of them were written
 * - origin: country and network of an address, as a database of some day said
 * - loss_part: what each window of the chain says of losses
 * - sink: how far the copies elsewhere are
 * - meta: one value per key
 *
 * flow has no index but its id. Times become id ranges through flow_range, one row per 5 minutes: rows with
 * contime in [A, B) have ids from min(first_id) of buckets >= A / 300 * 300 to max(last_id) of buckets < B.
 * Fast ways: top programs = totals_* with a range of bucket; a program or an address over days = traffic_day
 * with exe = or raddr = (both indexed); anything else in a short time = traffic_5min or traffic_hour with a
 * range of bucket (its primary key begins with it). A predicate on the text column time uses no index.
 */
#ifndef FEMTOSNITCH_SCHEMA_H
#define FEMTOSNITCH_SCHEMA_H

#define SCHEMA_FILE "snitch.db"
#define SCHEMA_VERSION 4		 /* PRAGMA user_version */
#define SCHEMA_APPLICATION_ID 0x66736e74 /* PRAGMA application_id, "fsnt" */

/* flow.peer beside enum wire_peer, flow.direction beside enum wire_direction */
#define SCHEMA_NONE (-1) /* has no meaning in this row (an execution): NULL in the view */
#define SCHEMA_OFF (-2)	 /* switched off by config: '' in the view */

/* event.kind: the order of the words of "Notify kinds" */
#define SCHEMA_KIND_NEW 0
#define SCHEMA_KIND_CHANGED 1
#define SCHEMA_KIND_PARENT 2
#define SCHEMA_KIND_VERDICT 3
#define SCHEMA_KIND_ERROR 4
#define SCHEMA_KIND_LOSS 5

/* event.quiet */
#define SCHEMA_QUIET_KIND 1  /* "Notify kinds" is without it */
#define SCHEMA_QUIET_OFF 2   /* "Desktop notifications" is false */
#define SCHEMA_QUIET_MUTED 3 /* muted for everybody */
#define SCHEMA_QUIET_KNOWN 4 /* acknowledged before, or it ran already when femtosnitch was first started */

/* program.told: there was an event about it */
#define SCHEMA_TOLD_NETWORK 1 /* as a program that uses the network */
#define SCHEMA_TOLD_PARENT 2  /* as the parent of one */

/* program.seen_as */
#define SCHEMA_SEEN_NEW 1     /* the path was not known */
#define SCHEMA_SEEN_CHANGED 2 /* the path was known with another SHA-256 */
#define SCHEMA_SEEN_NAME 3    /* the file was known under another name */

/* image.flags */
#define SCHEMA_FLAG_DELETED 0x1
#define SCHEMA_FLAG_MEMFD 0x2
#define SCHEMA_FLAG_TRACED 0x4
#define SCHEMA_FLAG_LD_PRELOAD 0x8
#define SCHEMA_FLAG_LD_AUDIT 0x10
#define SCHEMA_FLAG_LD_SO_PRELOAD 0x20
#define SCHEMA_FLAG_ENVIRONMENT_CUT 0x40
/* change.kind */
#define SCHEMA_CHANGE_MODIFIED 1 /* a known file was written to, or another put in its place */
#define SCHEMA_CHANGE_CHANGED 2	 /* what ran from a known path has another SHA-256 */

/* meta keys:
 * - window_to: ns since 1970, end of the last window that is durable; on an idle machine the file heartbeat
 * beside snitch.db is later
 * - started: unix seconds, when the daemon that writes here was started
 * - journal, facts: how far in which numbering of facts (wire_resume); only where a service manager keeps
 * what counts while the daemon restarts
 * - introduced: unix seconds, when the programs that ran at the first start were told in one event */

/* clang-format off */
/* Version 1. A later version changes what is here; it never changes this text. */
#define SCHEMA_V1 \
	"CREATE TABLE meta(key TEXT NOT NULL PRIMARY KEY, value) WITHOUT ROWID;" \
	"CREATE TABLE program(" \
	" id INTEGER PRIMARY KEY," \
	" exe TEXT," \
	" name TEXT," \
	" sha256 BLOB NOT NULL,"		/* 32 bytes, or none */ \
	" hash_error INTEGER NOT NULL,"		/* enum wire_hash_error */ \
	" first_seen INTEGER NOT NULL,"		/* in any role */ \
	" last_seen INTEGER NOT NULL," \
	" first_network INTEGER,"		/* NULL: so far only the parent of somebody, or executed */ \
	" seen_as INTEGER,"			/* SCHEMA_SEEN_*, NULL while the hash is pending */ \
	" modified INTEGER,"			/* the file was written to while known */ \
	" acknowledged INTEGER NOT NULL DEFAULT 0," \
	" verdict TEXT," \
	" ignored INTEGER NOT NULL DEFAULT 0);"	/* bytes dropped by Log ignore */ \
	"CREATE INDEX program_exe ON program(exe, name, sha256);" \
	"CREATE INDEX program_first ON program(first_seen);" \
	"CREATE TABLE image(" \
	" id INTEGER PRIMARY KEY," \
	" identity INTEGER NOT NULL,"		/* hash of all that follows but last_hour */ \
	" program INTEGER NOT NULL," \
	" parent INTEGER NOT NULL,"		/* image, 0 = unknown */ \
	" cmdline TEXT,"			/* NULL = unknown, '' = switched off */ \
	" container TEXT," \
	" unit TEXT," \
	" last_hour INTEGER NOT NULL);"		/* last use, by itself or by a child; within the hour */ \
	"CREATE INDEX image_identity ON image(identity);" \
	"CREATE INDEX image_program ON image(program);" \
	"CREATE TABLE address(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, last_hour INTEGER NOT NULL);" \
	"CREATE TABLE domain(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, last_hour INTEGER NOT NULL);" \
	"CREATE TABLE account(uid INTEGER PRIMARY KEY, name TEXT NOT NULL);" \
	"CREATE TABLE flow(" \
	" id INTEGER PRIMARY KEY," \
	" contime INTEGER NOT NULL," \
	" lasted INTEGER NOT NULL,"		/* seconds, last_seen - contime */ \
	" image INTEGER NOT NULL," \
	" send INTEGER NOT NULL," \
	" recv INTEGER NOT NULL," \
	" uid INTEGER NOT NULL," \
	" lport INTEGER NOT NULL,"		/* -1: this row is an execution, not traffic */ \
	" rport INTEGER NOT NULL," \
	" laddr INTEGER NOT NULL," \
	" raddr INTEGER NOT NULL," \
	" domain INTEGER NOT NULL," \
	" family INTEGER NOT NULL," \
	" protocol INTEGER NOT NULL," \
	" netns INTEGER NOT NULL," \
	" events INTEGER NOT NULL," \
	" direction INTEGER NOT NULL," \
	" result INTEGER NOT NULL," \
	" peer INTEGER NOT NULL," \
	" sniffed INTEGER NOT NULL);" \
	"CREATE TABLE flow_range(bucket INTEGER PRIMARY KEY, first_id INTEGER NOT NULL, last_id INTEGER NOT NULL);" \
	"CREATE TABLE sum_5min(bucket INTEGER NOT NULL, program INTEGER NOT NULL, raddr INTEGER NOT NULL," \
	" rport INTEGER NOT NULL, protocol INTEGER NOT NULL, direction INTEGER NOT NULL, domain INTEGER NOT NULL," \
	" send INTEGER NOT NULL, recv INTEGER NOT NULL, connections INTEGER NOT NULL," \
	" PRIMARY KEY(bucket, program, raddr, rport, protocol, direction, domain)) WITHOUT ROWID;" \
	"CREATE TABLE sum_hour(bucket INTEGER NOT NULL, program INTEGER NOT NULL, raddr INTEGER NOT NULL," \
	" rport INTEGER NOT NULL, protocol INTEGER NOT NULL, direction INTEGER NOT NULL, domain INTEGER NOT NULL," \
	" send INTEGER NOT NULL, recv INTEGER NOT NULL, connections INTEGER NOT NULL," \
	" PRIMARY KEY(bucket, program, raddr, rport, protocol, direction, domain)) WITHOUT ROWID;" \
	"CREATE TABLE sum_day(bucket INTEGER NOT NULL, program INTEGER NOT NULL, raddr INTEGER NOT NULL," \
	" rport INTEGER NOT NULL, protocol INTEGER NOT NULL, direction INTEGER NOT NULL, domain INTEGER NOT NULL," \
	" send INTEGER NOT NULL, recv INTEGER NOT NULL, connections INTEGER NOT NULL," \
	" PRIMARY KEY(program, bucket, raddr, rport, protocol, direction, domain)) WITHOUT ROWID;" \
	"CREATE INDEX sum_day_raddr ON sum_day(raddr, bucket);" \
	"CREATE TABLE total_5min(bucket INTEGER NOT NULL, program INTEGER NOT NULL, send INTEGER NOT NULL," \
	" recv INTEGER NOT NULL, connections INTEGER NOT NULL, PRIMARY KEY(bucket, program)) WITHOUT ROWID;" \
	"CREATE TABLE total_hour(bucket INTEGER NOT NULL, program INTEGER NOT NULL, send INTEGER NOT NULL," \
	" recv INTEGER NOT NULL, connections INTEGER NOT NULL, PRIMARY KEY(bucket, program)) WITHOUT ROWID;" \
	"CREATE TABLE total_day(bucket INTEGER NOT NULL, program INTEGER NOT NULL, send INTEGER NOT NULL," \
	" recv INTEGER NOT NULL, connections INTEGER NOT NULL, PRIMARY KEY(bucket, program)) WITHOUT ROWID;" \
	"CREATE TABLE loss(" \
	" id INTEGER PRIMARY KEY," \
	" time_from INTEGER NOT NULL," \
	" time_to INTEGER NOT NULL," \
	" kind INTEGER NOT NULL,"		/* enum wire_loss_kind */ \
	" stage INTEGER NOT NULL,"		/* enum wire_stage */ \
	" records INTEGER NOT NULL," \
	" bytes INTEGER NOT NULL," \
	" detail TEXT NOT NULL);" \
	"CREATE INDEX loss_to ON loss(time_to);"

/* Views say nothing that is not in the tables: every version drops them all and makes its own. */
#define SCHEMA_DROP_VIEWS \
	"DROP VIEW IF EXISTS connections; DROP VIEW IF EXISTS programs; DROP VIEW IF EXISTS losses;" \
	"DROP VIEW IF EXISTS changes; DROP VIEW IF EXISTS coverage; DROP VIEW IF EXISTS interfaces; DROP VIEW IF EXISTS notices; DROP VIEW IF EXISTS libraries;" \
	"DROP VIEW IF EXISTS traffic_5min; DROP VIEW IF EXISTS traffic_hour; DROP VIEW IF EXISTS traffic_day;" \
	"DROP VIEW IF EXISTS totals_5min; DROP VIEW IF EXISTS totals_hour; DROP VIEW IF EXISTS totals_day;"

/* Version 2: places, creators of sockets, tunnels, coverage, interfaces. flow only grows columns, which rewrites no
 * row of it; image, which is small, is made anew without two columns that were never filled. */
#define SCHEMA_V2_TABLES \
	"CREATE TABLE place(" \
	" id INTEGER PRIMARY KEY," \
	" identity INTEGER NOT NULL,"		/* hash of all that follows but last_hour */ \
	" runtime TEXT,"			/* of the container */ \
	" container TEXT," \
	" unit TEXT," \
	" cgroup TEXT,"				/* path */ \
	" last_hour INTEGER NOT NULL);"		/* last use, within the hour */ \
	"CREATE INDEX place_identity ON place(identity);" \
	"CREATE TABLE image_2(" \
	" id INTEGER PRIMARY KEY," \
	" identity INTEGER NOT NULL,"		/* hash of all that follows but last_hour */ \
	" program INTEGER NOT NULL," \
	" parent INTEGER NOT NULL,"		/* image, 0 = unknown */ \
	" cmdline TEXT,"			/* NULL = unknown, '' = switched off */ \
	" place INTEGER NOT NULL DEFAULT 0,"	/* 0 = unknown */ \
	" last_hour INTEGER NOT NULL);"		/* last use, by itself or by a child; within the hour */ \
	"INSERT INTO image_2(id, identity, program, parent, cmdline, last_hour)" \
	" SELECT id, identity, program, parent, cmdline, last_hour FROM image;" \
	"DROP TABLE image;" \
	"ALTER TABLE image_2 RENAME TO image;" \
	"CREATE INDEX image_identity ON image(identity);" \
	"CREATE INDEX image_program ON image(program);" \
	"ALTER TABLE flow ADD COLUMN creator INTEGER NOT NULL DEFAULT 0;"	/* place, 0 = the image's, or unknown */ \
	"ALTER TABLE flow ADD COLUMN creator_uid INTEGER;"			/* NULL = uid */ \
	"ALTER TABLE flow ADD COLUMN tunnel_send INTEGER NOT NULL DEFAULT 0;" \
	"ALTER TABLE flow ADD COLUMN tunnel_recv INTEGER NOT NULL DEFAULT 0;" \
	"CREATE TABLE proof(" \
	" id INTEGER PRIMARY KEY," \
	" start INTEGER NOT NULL,"		/* unix seconds, the same for all that was said at one start */ \
	" stage INTEGER NOT NULL,"		/* enum wire_stage */ \
	" kernel TEXT," \
	" item TEXT NOT NULL," \
	" state TEXT NOT NULL," \
	" reason TEXT);" \
	"CREATE INDEX proof_start ON proof(start);" \
	"CREATE TABLE interface_hour(" \
	" bucket INTEGER PRIMARY KEY," \
	" covered_ms INTEGER NOT NULL,"		/* of this hour */ \
	" interface_send INTEGER NOT NULL,"	/* by the interfaces, with all headers */ \
	" interface_recv INTEGER NOT NULL," \
	" packets INTEGER NOT NULL," \
	" headers INTEGER NOT NULL,"		/* bytes, estimated */ \
	" send INTEGER NOT NULL,"		/* by programs */ \
	" recv INTEGER NOT NULL);"

/* Version 3: what was said to people, and what they said about it */
#define SCHEMA_V3_TELL \
	"CREATE TABLE event(" \
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"	/* rises, and is never used again: readers keep the last they saw */ \
	" time INTEGER NOT NULL," \
	" kind INTEGER NOT NULL,"		/* SCHEMA_KIND_* */ \
	" program INTEGER NOT NULL,"		/* 0 = about none */ \
	" uid INTEGER,"				/* whose process it was, NULL = nobody's: for administrators */ \
	" quiet INTEGER NOT NULL,"		/* SCHEMA_QUIET_*: why the desktop was not told, 0 = it was */ \
	" exe TEXT, name TEXT,"			/* of the program, which retention may remove before this */ \
	" text TEXT NOT NULL);" \
	"CREATE INDEX event_program ON event(program);" \
	"CREATE TABLE acknowledged(" \
	" exe TEXT NOT NULL," \
	" uid INTEGER NOT NULL,"		/* for whom, -1 = everybody */ \
	" muted INTEGER NOT NULL,"		/* 1: nothing is said about it; 0: what it was then is known */ \
	" time INTEGER NOT NULL," \
	" until INTEGER,"			/* NULL = for ever */ \
	" PRIMARY KEY(exe, uid, muted)) WITHOUT ROWID;" \
	"ALTER TABLE program ADD COLUMN told INTEGER NOT NULL DEFAULT 0;"	/* SCHEMA_TOLD_* */ \
	"ALTER TABLE program ADD COLUMN first_parent INTEGER;"	/* of something that used the network */ \
	"ALTER TABLE program ADD COLUMN verdict_time INTEGER;"	/* when it was asked for, unix seconds */ \
	"ALTER TABLE program ADD COLUMN verdict_detail TEXT;" \
	"CREATE INDEX program_name ON program(name);" \
	"CREATE INDEX program_sha256 ON program(sha256);" \
	"UPDATE program SET told = 1 WHERE first_network IS NOT NULL;" \
	"UPDATE program SET told = told + 2, first_parent = first_seen WHERE id IN" \
	" (SELECT p.program FROM image c JOIN image p ON p.id = c.parent);" \
	"INSERT INTO meta(key, value) SELECT 'introduced', 0 WHERE EXISTS (SELECT 1 FROM program);"

/* Version 3: the chain of windows */
#define SCHEMA_V3_CHAIN \
	"CREATE TABLE run(" \
	" id INTEGER PRIMARY KEY," \
	" version INTEGER NOT NULL,"		/* of the content that is hashed */ \
	" host BLOB NOT NULL,"			/* 16 bytes, from the machine's id */ \
	" log BLOB NOT NULL,"			/* 16 random bytes, new at each start */ \
	" hostname TEXT NOT NULL," \
	" started INTEGER NOT NULL);"		/* unix seconds, of its first window */ \
	"CREATE TABLE chain(" \
	" seq INTEGER PRIMARY KEY," \
	" run INTEGER NOT NULL," \
	" time INTEGER NOT NULL,"		/* unix seconds, when it was written */ \
	" first INTEGER NOT NULL,"		/* id of its first flow */ \
	" flows INTEGER NOT NULL,"		/* how many, their ids without a gap */ \
	" late INTEGER NOT NULL,"		/* how many rows of late it tells */ \
	" anchor INTEGER NOT NULL DEFAULT 0,"	/* retention removed flows of it: the check begins behind it */ \
	" hash BLOB NOT NULL);" \
	"CREATE TABLE late(" \
	" image INTEGER NOT NULL," \
	" before INTEGER NOT NULL,"		/* flows with a smaller id were written with hashes pending */ \
	" run INTEGER NOT NULL," \
	" pending INTEGER NOT NULL,"		/* which: 1 its own, 2 of its parent, 4 of the parent's parent, 8 of the script */ \
	" window INTEGER,"			/* of chain, that tells it; NULL: not yet, or others are pending */ \
	" was BLOB, now BLOB,"			/* digests of the image, then */ \
	" PRIMARY KEY(image, before)) WITHOUT ROWID;" \
	"CREATE INDEX late_window ON late(window);" \
	"CREATE TABLE sink(" \
	" name TEXT NOT NULL PRIMARY KEY," \
	" seq INTEGER NOT NULL) WITHOUT ROWID;"	/* of chain: windows up to it are there */

/* Version 3: scripts, apps, what is unusual */
#define SCHEMA_V3_IDENTITY \
	"ALTER TABLE image ADD COLUMN script INTEGER NOT NULL DEFAULT 0;"		/* program, 0 = none with a path */ \
	"ALTER TABLE image ADD COLUMN script_source INTEGER NOT NULL DEFAULT 0;"	/* enum wire_script */ \
	"ALTER TABLE image ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;"		/* SCHEMA_FLAG_* */ \
	"ALTER TABLE image ADD COLUMN app TEXT;"			/* NULL = goes by the path of script or program */ \
	"CREATE INDEX image_script ON image(script) WHERE script > 0;" \
	"CREATE TABLE library(id INTEGER PRIMARY KEY, path TEXT NOT NULL, sha256 BLOB NOT NULL," \
	" hash_error INTEGER NOT NULL, UNIQUE(path, sha256, hash_error));" \
	"CREATE TABLE library_set(id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE," \
	" flags INTEGER NOT NULL);"		/* WIRE_LIBRARIES_* */ \
	"CREATE TABLE library_member(library_set INTEGER NOT NULL, library INTEGER NOT NULL," \
	" PRIMARY KEY(library_set, library)) WITHOUT ROWID;" \
	"CREATE TABLE image_libraries(image INTEGER NOT NULL, library_set INTEGER NOT NULL," \
	" first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, PRIMARY KEY(image, library_set)) WITHOUT ROWID;"

/* Version 3: what changed, and which package brought it */
#define SCHEMA_V3_CHANGE \
	"CREATE TABLE location(" \
	" id INTEGER PRIMARY KEY,"		/* hash of exe and container */ \
	" exe TEXT NOT NULL," \
	" container TEXT,"			/* whose path it is; NULL = the machine's */ \
	" sha256 BLOB NOT NULL,"		/* of what ran last */ \
	" since INTEGER NOT NULL);" \
	"CREATE TABLE change(" \
	" id INTEGER PRIMARY KEY," \
	" time INTEGER NOT NULL," \
	" kind INTEGER NOT NULL,"		/* SCHEMA_CHANGE_* */ \
	" location INTEGER NOT NULL," \
	" exe TEXT NOT NULL," \
	" container TEXT," \
	" old_sha256 BLOB NOT NULL," \
	" sha256 BLOB,"				/* NULL = it has not run yet */ \
	" placed INTEGER,"			/* when the new file was put there */ \
	" manager TEXT," \
	" package TEXT," \
	" version TEXT," \
	" explained INTEGER NOT NULL,"		/* enum wire_explained */ \
	" event INTEGER NOT NULL);"		/* id of the first change of the same event */ \
	"CREATE INDEX change_location ON change(location);" \
	"CREATE INDEX change_placed ON change(placed);" \
	"CREATE INDEX change_event ON change(event);" \
	"CREATE TABLE packaged(" \
	" exe TEXT NOT NULL," \
	" sha256 BLOB NOT NULL," \
	" manager TEXT NOT NULL," \
	" package TEXT NOT NULL," \
	" version TEXT," \
	" explained INTEGER NOT NULL," \
	" PRIMARY KEY(exe, sha256)) WITHOUT ROWID;"

#define SCHEMA_V3_TABLES SCHEMA_V3_TELL SCHEMA_V3_CHAIN SCHEMA_V3_IDENTITY SCHEMA_V3_CHANGE

/* Version 4: names and where in the world */
#define SCHEMA_V4_NAMES \
	"ALTER TABLE flow ADD COLUMN name_source INTEGER NOT NULL DEFAULT 0;"		/* enum wire_name_source, of domain; SCHEMA_OFF */ \
	"ALTER TABLE flow ADD COLUMN domain_resolved INTEGER NOT NULL DEFAULT 0;"	/* domain, where it differs */ \
	"ALTER TABLE flow ADD COLUMN origin INTEGER NOT NULL DEFAULT 0;"			/* SCHEMA_OFF */ \
	"CREATE TABLE origin(" \
	" id INTEGER PRIMARY KEY," \
	" country TEXT,"			/* ISO 3166-1 alpha-2 */ \
	" asn INTEGER," \
	" as_name TEXT," \
	" dated INTEGER NOT NULL,"		/* unix seconds: when the database that says so was made */ \
	" last_hour INTEGER NOT NULL);"		/* last use, within the hour */ \
	"CREATE INDEX origin_all ON origin(asn, country, as_name, dated);" \
	"ALTER TABLE domain ADD COLUMN reversed TEXT;"	/* "com.example.www.": what is below a domain begins with it */ \
	"CREATE INDEX domain_reversed ON domain(reversed) WHERE reversed IS NOT NULL;" \
	"CREATE INDEX sum_day_domain ON sum_day(domain, bucket) WHERE domain > 0;"

/* Version 4: what was given to VirusTotal */
#define SCHEMA_V4_TELL \
	"ALTER TABLE program ADD COLUMN uploaded INTEGER;"	/* unix seconds, NULL = never */ \
	"CREATE INDEX change_exe ON change(exe);"

/* Version 4: who wrote */
#define SCHEMA_V4_CHANGE \
	"ALTER TABLE change ADD COLUMN writer TEXT;"	/* of a modification; NULL = unknown */

/* Version 4: losses in the chain. Rows of loss grow; what each window added to them stays as it was. */
#define SCHEMA_V4_LOSSES \
	"ALTER TABLE chain ADD COLUMN losses INTEGER NOT NULL DEFAULT 0;"	/* how many rows of loss_part it tells */ \
	"CREATE TABLE loss_part(" \
	" window INTEGER NOT NULL,"		/* of chain */ \
	" n INTEGER NOT NULL,"			/* in it */ \
	" time_from INTEGER NOT NULL," \
	" time_to INTEGER NOT NULL," \
	" kind INTEGER NOT NULL," \
	" stage INTEGER NOT NULL," \
	" records INTEGER NOT NULL," \
	" bytes INTEGER NOT NULL," \
	" detail TEXT NOT NULL," \
	" PRIMARY KEY(window, n)) WITHOUT ROWID;"

#define SCHEMA_V4_TABLES SCHEMA_V4_NAMES SCHEMA_V4_TELL SCHEMA_V4_CHANGE SCHEMA_V4_LOSSES

/* Enum values as words: the names of config/wire_check.h (a test compares them). */
#define SCHEMA_HASH_ERROR(column) \
	"CASE " column " WHEN 1 THEN 'pending' WHEN 2 THEN 'no file' WHEN 3 THEN 'gone' WHEN 4 THEN 'changed'" \
	" WHEN 5 THEN 'permission' WHEN 6 THEN 'read' WHEN 7 THEN 'timeout' WHEN 8 THEN 'abandoned'" \
	" WHEN 9 THEN 'busy' END"
#define SCHEMA_DIRECTION(column) "CASE " column " WHEN 0 THEN 'out' WHEN 1 THEN 'in' END"
#define SCHEMA_RESULT(column) \
	"CASE " column " WHEN 1 THEN 'open' WHEN 2 THEN 'refused' WHEN 3 THEN 'timeout' WHEN 4 THEN 'unreachable'" \
	" WHEN 5 THEN 'reset' WHEN 6 THEN 'aborted' WHEN 7 THEN 'local' END"
#define SCHEMA_PEER(column) \
	"CASE " column " WHEN -2 THEN '' WHEN 0 THEN 'socket' WHEN 1 THEN 'message' WHEN 2 THEN 'caller'" \
	" WHEN 3 THEN 'inferred' WHEN 4 THEN 'unknown' END"
#define SCHEMA_LOSS_KIND(column) \
	"CASE " column " WHEN 0 THEN 'not watching' WHEN 1 THEN 'suspended' WHEN 2 THEN 'ring full'" \
	" WHEN 3 THEN 'overflow full' WHEN 4 THEN 'recursion' WHEN 5 THEN 'peer' WHEN 6 THEN 'user read'" \
	" WHEN 7 THEN 'hook' WHEN 8 THEN 'pipe' WHEN 9 THEN 'image' WHEN 10 THEN 'fanotify overflow'" \
	" WHEN 11 THEN 'fanotify read' WHEN 12 THEN 'mount' WHEN 13 THEN 'store' WHEN 14 THEN 'retention'" \
	" WHEN 15 THEN 'clock' WHEN 16 THEN 'uncounted' WHEN 17 THEN 'name' END"
#define SCHEMA_STAGE(column) \
	"CASE " column " WHEN 0 THEN 'supervisor' WHEN 1 THEN 'collector' WHEN 2 THEN 'hasher' WHEN 3 THEN 'store'" \
	" WHEN 4 THEN 'notices' WHEN 5 THEN 'virustotal' WHEN 6 THEN 'postgres' WHEN 7 THEN 'names'" \
	" WHEN 8 THEN 'mariadb' WHEN 9 THEN 'reverse' END"
#define SCHEMA_KIND(column) \
	"CASE " column " WHEN 0 THEN 'new' WHEN 1 THEN 'changed' WHEN 2 THEN 'parent' WHEN 3 THEN 'verdict'" \
	" WHEN 4 THEN 'error' WHEN 5 THEN 'loss' END"
#define SCHEMA_QUIET(column) \
	"CASE " column " WHEN 0 THEN 'told' WHEN 1 THEN 'not in Notify kinds' WHEN 2 THEN 'Desktop notifications is false'" \
	" WHEN 3 THEN 'muted' WHEN 4 THEN 'known' END"
#define SCHEMA_SEEN_AS(column) \
	"CASE " column " WHEN 1 THEN 'new' WHEN 2 THEN 'changed' WHEN 3 THEN 'name' END"
#define SCHEMA_SCRIPT(column) \
	"CASE " column " WHEN 1 THEN 'kernel' WHEN 2 THEN 'argv' WHEN 3 THEN 'inline' WHEN 4 THEN 'module'" \
	" WHEN 5 THEN 'stdin' END"
#define SCHEMA_NAME_SOURCE(column) \
	"CASE " column " WHEN -2 THEN '' WHEN 1 THEN 'sni' WHEN 2 THEN 'quic' WHEN 3 THEN 'http' WHEN 4 THEN 'ech' WHEN 5 THEN 'dns'" \
	" WHEN 6 THEN 'mdns' WHEN 7 THEN 'llmnr' WHEN 8 THEN 'libc' WHEN 9 THEN 'shared' WHEN 10 THEN 'hosts'" \
	" WHEN 11 THEN 'ptr' END"
#define SCHEMA_FLAG(column, bit, word) "CASE WHEN " column " & " #bit " THEN '," word "' ELSE '' END"
#define SCHEMA_FLAGS(column) \
	"nullif(substr(" SCHEMA_FLAG(column, 1, "deleted") " || " SCHEMA_FLAG(column, 2, "memfd") " || " \
	SCHEMA_FLAG(column, 4, "traced") " || " SCHEMA_FLAG(column, 8, "LD_PRELOAD") " || " \
	SCHEMA_FLAG(column, 16, "LD_AUDIT") " || " SCHEMA_FLAG(column, 32, "ld.so.preload") " || " \
	SCHEMA_FLAG(column, 64, "environment cut") ", 2), '')"

/* With what was found in the image later, when it had used the network: of no row's content (columns.h), which
 * stays as it was written. 1: WIRE_LIBRARIES_ANONYMOUS */
#define SCHEMA_FLAGS_FOUND(image, column) \
	"nullif(substr(coalesce(',' || " SCHEMA_FLAGS(column) ", '') || CASE WHEN EXISTS(SELECT 1 FROM image_libraries x" \
	" JOIN library_set t ON t.id = x.library_set WHERE x.image = " image " AND t.flags & 1) THEN ',anonymous' ELSE '' END, 2), '')"
#define SCHEMA_EXPLAINED(column) "CASE " column " WHEN 1 THEN 'yes' WHEN 2 THEN 'no' END"
#define SCHEMA_CHANGE_KIND(column) "CASE " column " WHEN 1 THEN 'modified' WHEN 2 THEN 'changed' END"
/* IANA keywords; an EtherType (AF_PACKET) or a vsock type has none */
#define SCHEMA_PROTOCOL(column) \
	"CASE " column " WHEN 1 THEN 'icmp' WHEN 2 THEN 'igmp' WHEN 4 THEN 'ipv4' WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp'" \
	" WHEN 33 THEN 'dccp' WHEN 41 THEN 'ipv6' WHEN 46 THEN 'rsvp' WHEN 47 THEN 'gre' WHEN 50 THEN 'esp'" \
	" WHEN 51 THEN 'ah' WHEN 58 THEN 'icmpv6' WHEN 88 THEN 'eigrp' WHEN 89 THEN 'ospf' WHEN 103 THEN 'pim'" \
	" WHEN 108 THEN 'ipcomp' WHEN 112 THEN 'vrrp' WHEN 115 THEN 'l2tp' WHEN 132 THEN 'sctp'" \
	" WHEN 136 THEN 'udplite' WHEN 137 THEN 'mpls' WHEN 255 THEN 'raw' WHEN 262 THEN 'mptcp' END"
/* The same with the families (AF_*) whose protocol is another's number, or none */
#define SCHEMA_PROTOCOL_NAME(family, column) \
	"CASE " family " WHEN 2 THEN " SCHEMA_PROTOCOL(column) " WHEN 10 THEN " SCHEMA_PROTOCOL(column) \
	" WHEN 40 THEN 'vsock' WHEN 44 THEN 'xdp' END"
#define SCHEMA_SHA256(column) "nullif(lower(hex(" column ")), '')"
#define SCHEMA_ISO(column) "strftime('%Y-%m-%dT%H:%M:%SZ', " column ", 'unixepoch')"
#define SCHEMA_NO_IMAGE "no image record" /* hash_error of traffic whose program nobody described */

#define SCHEMA_VIEW_CONNECTIONS \
	"CREATE VIEW connections AS SELECT" \
	" f.contime AS contime, f.send AS send, f.recv AS recv," \
	" p0.exe AS exe, p0.name AS name, i0.cmdline AS cmdline, " SCHEMA_SHA256("p0.sha256") " AS sha256," \
	" p1.exe AS pexe, p1.name AS pname, i1.cmdline AS pcmdline, " SCHEMA_SHA256("p1.sha256") " AS psha256," \
	" f.uid AS uid, f.lport AS lport, f.rport AS rport," \
	" la.text AS laddr, ra.text AS raddr, d.text AS domain," \
	" p2.exe AS gpexe, p2.name AS gpname, i2.cmdline AS gpcmdline, " SCHEMA_SHA256("p2.sha256") " AS gpsha256," \
	" f.family AS family, f.protocol AS protocol, f.netns AS netns, f.events AS events," \
	" CASE WHEN p0.id IS NULL THEN '" SCHEMA_NO_IMAGE "' ELSE " SCHEMA_HASH_ERROR("p0.hash_error") \
	" END AS hash_error," \
	" w0.container AS container, w0.unit AS unit," \
	" " SCHEMA_DIRECTION("f.direction") " AS direction, " SCHEMA_RESULT("f.result") " AS result," \
	" " SCHEMA_ISO("f.contime") " AS time, f.contime + f.lasted AS last_seen," \
	" " SCHEMA_PROTOCOL_NAME("f.family", "f.protocol") " AS protocol_name," \
	" u.name AS user," \
	" " SCHEMA_PEER("f.peer") " AS raddr_source, f.sniffed AS sniffed," \
	" w0.runtime AS runtime, w0.cgroup AS cgroup, coalesce(w1.container, w1.unit, w1.cgroup) AS creator," \
	" f.creator_uid AS creator_uid, f.tunnel_send AS tunnel_send, f.tunnel_recv AS tunnel_recv," \
	" s0.exe AS script, " SCHEMA_SHA256("s0.sha256") " AS script_sha256," \
	" " SCHEMA_SCRIPT("i0.script_source") " AS script_source, " SCHEMA_HASH_ERROR("s0.hash_error") " AS script_hash_error," \
	" coalesce(i0.app, s0.exe, p0.exe) AS app, " SCHEMA_FLAGS_FOUND("i0.id", "i0.flags") " AS flags," \
	" " SCHEMA_NAME_SOURCE("f.name_source") " AS name_source, dr.text AS domain_resolved," \
	" CASE f.origin WHEN -2 THEN '' ELSE o.country END AS country, o.asn AS asn," \
	" CASE f.origin WHEN -2 THEN '' ELSE o.as_name END AS as_name" \
	" FROM flow f" \
	" LEFT JOIN image i0 ON i0.id = f.image LEFT JOIN program p0 ON p0.id = i0.program" \
	" LEFT JOIN image i1 ON i1.id = i0.parent LEFT JOIN program p1 ON p1.id = i1.program" \
	" LEFT JOIN image i2 ON i2.id = i1.parent LEFT JOIN program p2 ON p2.id = i2.program" \
	" LEFT JOIN address la ON la.id = f.laddr LEFT JOIN address ra ON ra.id = f.raddr" \
	" LEFT JOIN domain d ON d.id = f.domain LEFT JOIN account u ON u.uid = f.uid" \
	" LEFT JOIN place w0 ON w0.id = i0.place LEFT JOIN place w1 ON w1.id = f.creator" \
	" LEFT JOIN program s0 ON s0.id = i0.script" \
	" LEFT JOIN domain dr ON dr.id = f.domain_resolved LEFT JOIN origin o ON o.id = f.origin;"

/* One row per executable, name and content. first_network IS NOT NULL: it used the network itself. */
#define SCHEMA_VIEW_PROGRAMS \
	"CREATE VIEW programs AS SELECT p.exe AS exe, p.name AS name, " SCHEMA_SHA256("p.sha256") " AS sha256, " \
	SCHEMA_HASH_ERROR("p.hash_error") " AS hash_error, p.first_seen AS first_seen, p.last_seen AS last_seen," \
	" p.first_network AS first_network, " SCHEMA_SEEN_AS("p.seen_as") " AS seen_as, p.modified AS modified," \
	" p.verdict AS verdict, p.acknowledged AS acknowledged, p.ignored AS ignored, " \
	SCHEMA_ISO("p.first_seen") " AS time, p.verdict_time AS verdict_time, p.verdict_detail AS verdict_detail, k.package AS package, k.version AS package_version," \
	" k.manager AS package_manager, " SCHEMA_EXPLAINED("k.explained") " AS explained, p.uploaded AS uploaded" \
	" FROM program p LEFT JOIN packaged k ON k.exe = p.exe AND k.sha256 = p.sha256;"

/* One row per change; members: of how many the event consists. */
#define SCHEMA_VIEW_CHANGES \
	"CREATE VIEW changes AS SELECT " SCHEMA_ISO("c.time") " AS time, " SCHEMA_CHANGE_KIND("c.kind") " AS kind," \
	" c.exe AS exe, c.container AS container, " SCHEMA_SHA256("c.old_sha256") " AS old_sha256, " \
	SCHEMA_SHA256("c.sha256") " AS sha256, c.package AS package, c.version AS package_version," \
	" c.manager AS package_manager, " SCHEMA_EXPLAINED("c.explained") " AS explained, c.event AS event," \
	" (SELECT count(*) FROM change m WHERE m.event = c.event AND m.kind = c.kind) AS members," \
	" c.time AS unix_time, c.id AS id, c.writer AS writer FROM change c ORDER BY c.id;"

/* What a record of each kind is, what its loss means, and what to do: for people who read it at night. */
#define SCHEMA_LOSS_WORDS \
	"VALUES(0, NULL, 'Nobody watched: what programs sent and received in this time is not in the log.'," \
	" 'Nothing, if femtosnitch was stopped or updated. Else see why it ended: journalctl -u femtosnitch, error.log.')," \
	"(1, NULL, 'The machine slept. Nothing moved, but times around it may be off by the length of a window.', 'Nothing.')," \
	"(2, 'starts and ends of programs, new cgroups', 'The kernel said more than was read in time. Traffic is counted" \
	" all the same; a program that only lived then may lack its command line, parent or container.'," \
	" 'If it comes back, raise \"Perf ring buffer (pages)\" in config.json.')," \
	"(3, 'flows', 'Traffic with these bytes was seen, but had no room: which programs moved it is not known.'," \
	" 'Look for a program with thousands of peers at once: femtosnitch query top.')," \
	"(4, 'runs of a hook', 'The kernel left out hooks while the same one was at work. Up to so many calls were not" \
	" counted; their bytes are not known.', 'Nothing. A kernel before 6.19 does so less.')," \
	"(5, 'datagrams', 'Bytes were counted for their program, but not to whom: raddr is NULL in these rows.'," \
	" 'Nothing. Too many threads shared one socket.')," \
	"(6, 'programs', 'A command line could not be read. Path and SHA-256 are known all the same.', 'Nothing.')," \
	"(7, 'hooks', 'This kernel refused a part of what watches, the self-test did not see its own traffic, or a module" \
	" of the kernel was loaded later than we were. What the detail names is not in the log.'," \
	" 'Nothing if it is a module that is watched now. Else ask femtosnitch doctor; a newer kernel may help.')," \
	"(8, 'records', 'A later stage did not take what was seen: these bytes are in no row.'," \
	" 'See if the disk or the CPU was overloaded then; error.log may say more.')," \
	"(9, 'flows', 'Traffic was counted, but nobody said which program it belongs to: its rows have no exe.'," \
	" 'See what else was lost at that time.')," \
	"(10, 'queues', 'The kernel dropped notices of programs that started. They are in the log; some may have no SHA-256.'," \
	" 'Nothing, unless it comes back.')," \
	"(11, 'notices', 'A notice of a program that started came to nothing: it may have no SHA-256.', 'Nothing.')," \
	"(12, 'filesystems', 'Programs on that filesystem are seen, but may have no SHA-256.'," \
	" 'See whether the mount that the detail names still answers.')," \
	"(13, 'rows', 'What was seen could not be written: these bytes are in no row.'," \
	" 'See error.log, and whether the disk is full or failing.')," \
	"(14, 'rows', 'The log was larger than it may be: the oldest rows were removed before their age.'," \
	" 'Raise \"DB size limit (MB)\", or lower \"DB retention (days)\", in config.json.')," \
	"(15, NULL, 'The clock was set: times of rows around it are doubtful, bytes are right.'," \
	" 'Nothing, unless nobody meant to set it.')," \
	"(16, 'connections', 'TCP moved these bytes, and no program was seen to do it: they are in no row.'," \
	" 'Please report it, with what femtosnitch doctor says.')," \
	"(17, 'calls', 'What these calls moved is counted, but the name in it was not read: domain may be NULL, or known" \
	" from elsewhere.', 'Nothing. If it comes back, femtosnitch doctor says what cannot be read here.')"

/* The same kind in windows near each other is one row: its detail is the last one. Times nobody watched, and
 * what names one thing of several (a hook, a filesystem), stay as they are. */
#define SCHEMA_VIEW_LOSSES \
	"CREATE VIEW losses AS WITH" \
	" word(kind, records_are, meaning, advice) AS (" SCHEMA_LOSS_WORDS ")," \
	" near AS (SELECT *, kind NOT IN (0, 1, 7, 12, 15) AND time_from <= 600 + max(time_to) OVER before AS again" \
	" FROM loss WINDOW before AS" \
	" (PARTITION BY kind, stage ORDER BY time_from, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))," \
	" run AS (SELECT *, sum(again IS NOT 1) OVER (PARTITION BY kind, stage ORDER BY time_from, id) AS run FROM near)," \
	" whole AS (SELECT min(time_from) AS time_from, max(time_to) AS time_to, kind, stage, sum(records) AS records," \
	" sum(bytes) AS bytes, max(id) AS id, count(DISTINCT detail) > 1 AS others FROM run GROUP BY kind, stage, run)" \
	" SELECT " SCHEMA_ISO("l.time_from") " AS time_from, " SCHEMA_ISO("l.time_to") \
	" AS time_to, " SCHEMA_LOSS_KIND("l.kind") " AS kind, " SCHEMA_STAGE("l.stage") " AS stage, l.records AS records," \
	" l.bytes AS bytes, d.detail || CASE WHEN l.others THEN ' (and others)' ELSE '' END AS detail, l.time_from AS unix_from, l.time_to AS unix_to," \
	" w.records_are AS records_are, w.meaning AS meaning, w.advice AS advice" \
	" FROM whole l JOIN loss d ON d.id = l.id LEFT JOIN word w ON w.kind = l.kind ORDER BY l.id;"

/* What else was in a program when it first used the network: a row for each file of each set that it was seen with. */
#define SCHEMA_VIEW_LIBRARIES \
	"CREATE VIEW libraries AS SELECT p.exe AS exe, p.name AS name, i.cmdline AS cmdline, l.path AS path, " \
	SCHEMA_SHA256("l.sha256") " AS sha256, " SCHEMA_HASH_ERROR("l.hash_error") " AS hash_error," \
	" nullif(substr(" SCHEMA_FLAG("s.flags", 1, "anonymous") " || " SCHEMA_FLAG("s.flags", 2, "deleted") " || " \
	SCHEMA_FLAG("s.flags", 4, "memfd") " || " SCHEMA_FLAG("s.flags", 8, "cut") ", 2), '') AS flags," \
	" s.id AS library_set, x.first_seen AS first_seen, x.last_seen AS last_seen" \
	" FROM image_libraries x JOIN image i ON i.id = x.image JOIN program p ON p.id = i.program" \
	" JOIN library_set s ON s.id = x.library_set LEFT JOIN library_member m ON m.library_set = s.id" \
	" LEFT JOIN library l ON l.id = m.library;"

/* What was watched: all that the stages said at one start has its time. */
#define SCHEMA_VIEW_COVERAGE \
	"CREATE VIEW coverage AS SELECT " SCHEMA_ISO("start") " AS time, kernel, item, state, reason, " \
	SCHEMA_STAGE("stage") " AS stage, start AS unix_time FROM proof;"

/* What passed the network interfaces beside what was counted for programs; rest may be below zero. */
#define SCHEMA_VIEW_INTERFACES \
	"CREATE VIEW interfaces AS SELECT " SCHEMA_ISO("bucket") " AS time, interface_send, interface_recv, packets," \
	" headers, send, recv, interface_send + interface_recv - headers - send - recv AS rest," \
	" covered_ms / 1000 AS seconds, bucket FROM interface_hour;"

/* What the desktop was told, or why it was not. */
#define SCHEMA_VIEW_NOTICES \
	"CREATE VIEW notices AS SELECT " SCHEMA_ISO("e.time") " AS time, " SCHEMA_KIND("e.kind") " AS kind, e.exe AS exe," \
	" e.name AS name, " SCHEMA_SHA256("p.sha256") " AS sha256, e.uid AS uid, u.name AS user, " \
	SCHEMA_QUIET("e.quiet") " AS outcome, e.text AS text, e.time AS unix_time, e.id AS id" \
	" FROM event e LEFT JOIN program p ON p.id = e.program LEFT JOIN account u ON u.uid = e.uid;"

/* connections: sockets first seen in that time. bucket: start of the time, unix seconds. */
#define SCHEMA_VIEW_TRAFFIC(width) \
	"CREATE VIEW traffic_" width " AS SELECT " SCHEMA_ISO("s.bucket") " AS time, p.exe AS exe, p.name AS name, " \
	SCHEMA_SHA256("p.sha256") " AS sha256, a.text AS raddr, d.text AS domain, s.rport AS rport," \
	" s.protocol AS protocol, " SCHEMA_DIRECTION("s.direction") " AS direction, s.send AS send, s.recv AS recv," \
	" s.connections AS connections, s.bucket AS bucket FROM sum_" width " s" \
	" LEFT JOIN program p ON p.id = s.program LEFT JOIN address a ON a.id = s.raddr" \
	" LEFT JOIN domain d ON d.id = s.domain;"

#define SCHEMA_VIEW_TOTALS(width) \
	"CREATE VIEW totals_" width " AS SELECT " SCHEMA_ISO("s.bucket") " AS time, p.exe AS exe, p.name AS name, " \
	SCHEMA_SHA256("p.sha256") " AS sha256, s.send AS send, s.recv AS recv, s.connections AS connections," \
	" s.bucket AS bucket FROM total_" width " s LEFT JOIN program p ON p.id = s.program;"

#define SCHEMA_VIEWS \
	SCHEMA_VIEW_CONNECTIONS SCHEMA_VIEW_PROGRAMS SCHEMA_VIEW_LOSSES SCHEMA_VIEW_COVERAGE \
	SCHEMA_VIEW_INTERFACES SCHEMA_VIEW_NOTICES SCHEMA_VIEW_CHANGES SCHEMA_VIEW_LIBRARIES \
	SCHEMA_VIEW_TRAFFIC("5min") SCHEMA_VIEW_TRAFFIC("hour") SCHEMA_VIEW_TRAFFIC("day") \
	SCHEMA_VIEW_TOTALS("5min") SCHEMA_VIEW_TOTALS("hour") SCHEMA_VIEW_TOTALS("day")

/* From version 1 to 2, from 2 to 3, from 3 to 4: the last one makes the views */
#define SCHEMA_V2 SCHEMA_DROP_VIEWS SCHEMA_V2_TABLES
#define SCHEMA_V3 SCHEMA_DROP_VIEWS SCHEMA_V3_TABLES
#define SCHEMA_V4 SCHEMA_DROP_VIEWS SCHEMA_V4_TABLES SCHEMA_VIEWS

/* All of it, for an empty database */
#define SCHEMA_ALL SCHEMA_V1 SCHEMA_V2 SCHEMA_V3 SCHEMA_V4
/* clang-format on */

#endif
