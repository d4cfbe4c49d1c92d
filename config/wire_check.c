// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * wire_check.c - see wire_check.h. One row per record type: its fixed size, and a function that looks at what
 * a size cannot say. This runs for every record, so nothing is copied: fields are read at their offsets (the
 * payload may be unaligned).
 */
#include "config/wire_check.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "config/utf8.h"

/* A field of an unaligned record. */
#define GET(type, member, p)                                                                                 \
	({                                                                                                   \
		__typeof__(((struct type *)0)->member) get_value;                                            \
		memcpy(&get_value, (const char *)(p) + __builtin_offsetof(struct type, member),              \
		       sizeof(get_value));                                                                   \
		get_value;                                                                                   \
	})

static const char *check_text(const char *text, size_t len, size_t declared, size_t max)
{
	if (declared != len)
		return "text length does not match the frame";
	if (len > max)
		return "text too long";
	if (memchr(text, '\0', len))
		return "NUL in text";
	return utf8_valid_until(text, len) == len ? NULL : "text is not UTF-8";
}

static const char *check_settings(const char *p, size_t len)
{
	if (GET(wire_settings, generation, p) == 0)
		return "settings without a generation";
	return check_text(p + sizeof(struct wire_settings), len - sizeof(struct wire_settings),
			  GET(wire_settings, text_len, p), WIRE_SETTINGS_MAX);
}

static const char *check_flush(const char *p, size_t len)
{
	(void)len;
	return GET(wire_flush, id, p) == 0 ? "flush without an id" : NULL;
}

static const char *check_ready(const char *p, size_t len)
{
	if (GET(wire_ready, stage, p) >= WIRE_STAGE__MAX)
		return "stage out of range";
	return check_text(p + sizeof(struct wire_ready), len - sizeof(struct wire_ready),
			  GET(wire_ready, text_len, p), WIRE_TEXT_MAX);
}

static const char *check_error(const char *p, size_t len)
{
	if (GET(wire_error, stage, p) >= WIRE_STAGE__MAX)
		return "stage out of range";
	return check_text(p + sizeof(struct wire_error), len - sizeof(struct wire_error),
			  GET(wire_error, text_len, p), WIRE_TEXT_MAX);
}

static const char *check_loss(const char *p, size_t len)
{
	if (GET(wire_loss, kind, p) >= WIRE_LOSS__MAX)
		return "loss kind out of range";
	if (GET(wire_loss, stage, p) >= WIRE_STAGE__MAX)
		return "stage out of range";
	return check_text(p + sizeof(struct wire_loss), len - sizeof(struct wire_loss),
			  GET(wire_loss, detail_len, p), WIRE_TEXT_MAX);
}

static const char *check_exec(const char *p, size_t len)
{
	const char *path = p + sizeof(struct wire_exec);
	size_t path_len = GET(wire_exec, path_len, p), argv_len = GET(wire_exec, argv_len, p);
	__u32 flags = GET(wire_exec, flags, p);

	if (flags & ~(__u32)WIRE_EXEC_FLAGS)
		return "unknown exec flag";
	if (GET(wire_exec, source, p) >= WIRE_EXEC_SOURCE__MAX)
		return "exec source out of range";
	if (path_len > WIRE_PATH_MAX || argv_len > WIRE_ARGV_MAX)
		return "path or arguments too long";
	if (len != sizeof(struct wire_exec) + path_len + argv_len)
		return "path and arguments do not fill the frame";
	if (!memchr(p + offsetof(struct wire_exec, comm), '\0', WIRE_COMM_SIZE))
		return "comm is not terminated";
	if (path_len > 0 && path[path_len - 1] != '\0')
		return "path is not terminated";
	/* Only the kernel's form has NULs between its components. */
	if (path_len > 0 && !(flags & WIRE_EXEC_PATH_REVERSED) && memchr(path, '\0', path_len - 1))
		return "NUL in path";
	if (argv_len > 0 && (path + path_len)[argv_len - 1] != '\0')
		return "arguments are not terminated";
	if (argv_len > 0 && (flags & WIRE_EXEC_ARGV_UNREAD))
		return "arguments that were not read";
	return NULL;
}

static const char *check_flow(const char *p, size_t len)
{
	static const char zero[WIRE_ADDR_SIZE];

	(void)len;
	if (GET(wire_flow, direction, p) >= WIRE_DIRECTION__MAX)
		return "direction out of range";
	if (GET(wire_flow, result, p) >= WIRE_RESULT__MAX)
		return "result out of range";
	if (GET(wire_flow, peer, p) >= WIRE_PEER__MAX)
		return "peer out of range";
	if (GET(wire_flow, flags, p) & ~WIRE_FLOW_FLAGS)
		return "unknown flow flag";
	if (GET(wire_flow, family, p) == AF_INET &&
	    (memcmp(p + offsetof(struct wire_flow, laddr) + 4, zero, WIRE_ADDR_SIZE - 4) ||
	     memcmp(p + offsetof(struct wire_flow, raddr) + 4, zero, WIRE_ADDR_SIZE - 4)))
		return "bytes behind an IPv4 address";
	return NULL;
}

/* len bytes of which the last is the only NUL; 0 = no string at all. */
static bool is_string(const char *text, size_t len)
{
	return len == 0 || memchr(text, '\0', len) == text + len - 1;
}

/* The strings behind the record inside an image; *len becomes what is left for that record. */
static const char *check_image_texts(const char *p, size_t *len)
{
	const size_t script_len = GET(wire_image, script_len, p), app_len = GET(wire_image, app_len, p);

	if (script_len > WIRE_PATH_MAX || app_len > WIRE_APP_MAX || script_len + app_len > *len)
		return "script or app too long";
	*len -= script_len + app_len;
	if (!is_string(p + *len, script_len) || !is_string(p + *len + script_len, app_len))
		return "script or app is not terminated";
	return NULL;
}

static const char *check_image(const char *p, size_t len)
{
	const char *exec = p + sizeof(struct wire_image), *why;

	if (GET(wire_image, hash_error, p) >= WIRE_HASH__MAX)
		return "hash error out of range";
	if (GET(wire_image, flags, p) & ~(__u32)WIRE_IMAGE_FLAGS)
		return "unknown image flag";
	if (GET(wire_image, script_error, p) >= WIRE_HASH__MAX)
		return "hash error out of range";
	if (GET(wire_image, script_source, p) >= WIRE_SCRIPT__MAX)
		return "source of a script out of range";
	if ((why = check_image_texts(p, &len)) != NULL)
		return why;
	if (GET(wire_exec, flags, exec) & WIRE_EXEC_PATH_REVERSED)
		return "reversed path behind the collector";
	if (len < sizeof(struct wire_image) + sizeof(struct wire_exec))
		return "record too short";
	return check_exec(exec, len - sizeof(struct wire_image));
}

static const char *check_digest(const char *p, size_t len)
{
	__u32 hash_error = GET(wire_digest, hash_error, p), path_len = GET(wire_digest, path_len, p);

	if (hash_error >= WIRE_HASH__MAX)
		return "hash error out of range";
	if (path_len > WIRE_PATH_MAX || len != sizeof(struct wire_digest) + path_len)
		return "path does not fill the frame";
	if (!is_string(p + sizeof(struct wire_digest), path_len))
		return "path is not terminated";
	return hash_error == WIRE_HASH_PENDING ? "a digest that is pending" : NULL;
}

static const char *check_cgroup(const char *p, size_t len)
{
	size_t path_len = GET(wire_cgroup, path_len, p);

	if (GET(wire_cgroup, flags, p) & ~(__u32)WIRE_CGROUP_FLAGS)
		return "unknown cgroup flag";
	if (path_len == 0 || path_len > WIRE_CGROUP_MAX)
		return "path of a cgroup missing or too long";
	if (len != sizeof(struct wire_cgroup) + path_len)
		return "path does not fill the frame";
	return is_string(p + sizeof(struct wire_cgroup), path_len) ? NULL : "path is not terminated";
}

static const char *check_place(const char *p, size_t len)
{
	const size_t lens[] = {GET(wire_place, runtime_len, p), GET(wire_place, container_len, p),
			       GET(wire_place, unit_len, p), GET(wire_place, path_len, p)};
	const char *text = p + sizeof(struct wire_place);
	size_t i, left = len - sizeof(struct wire_place);

	if (GET(wire_place, id, p) == 0)
		return "place without an id";
	for (i = 0; i < 4; i++) {
		if (lens[i] > (i < 3 ? WIRE_PLACE_NAME_MAX : WIRE_CGROUP_MAX) || lens[i] > left)
			return "text of a place too long";
		if (!is_string(text, lens[i]))
			return "text of a place is not terminated";
		text += lens[i];
		left -= lens[i];
	}
	return left == 0 ? NULL : "text does not fill the frame";
}

static const char *check_package(const char *p, size_t len)
{
	const size_t lens[] = {GET(wire_package, manager_len, p), GET(wire_package, name_len, p),
			       GET(wire_package, version_len, p)};
	const char *text = p + sizeof(struct wire_package);
	size_t i, left = len - sizeof(struct wire_package);

	if (GET(wire_package, explained, p) >= WIRE_EXPLAINED__MAX)
		return "explained out of range";
	for (i = 0; i < 3; i++) {
		if (lens[i] > WIRE_PACKAGE_NAME_MAX || lens[i] > left)
			return "text of a package too long";
		if (!is_string(text, lens[i]))
			return "text of a package is not terminated";
		text += lens[i];
		left -= lens[i];
	}
	return left == 0 ? NULL : "text does not fill the frame";
}

static const char *check_libraries(const char *p, size_t len)
{
	size_t left = GET(wire_libraries, text_len, p), path_len;
	__u32 count = GET(wire_libraries, count, p);

	if (GET(wire_libraries, flags, p) & ~(__u32)WIRE_LIBRARIES_FLAGS)
		return "unknown flag of libraries";
	if (len != sizeof(struct wire_libraries) + left)
		return "text does not fill the frame";
	for (p += sizeof(struct wire_libraries); left > 0 && count > 0; count--) {
		if (left < sizeof(struct wire_library))
			return "library too short";
		path_len = GET(wire_library, path_len, p);
		if (GET(wire_library, hash_error, p) >= WIRE_HASH__MAX ||
		    GET(wire_library, hash_error, p) == WIRE_HASH_PENDING)
			return "hash error out of range";
		left -= sizeof(struct wire_library);
		p += sizeof(struct wire_library);
		if (path_len == 0 || path_len > WIRE_PATH_MAX || path_len > left || !is_string(p, path_len))
			return "path of a library is not terminated";
		left -= path_len;
		p += path_len;
	}
	return left > 0 ? "more libraries than were counted" : NULL;
}

static const char *check_payload(const char *p, size_t len)
{
	size_t data_len = GET(wire_payload, data_len, p);

	if (GET(wire_payload, flags, p) & ~(__u32)WIRE_PAYLOAD_FLAGS)
		return "unknown flag of a payload";
	if (data_len > WIRE_PAYLOAD_MAX || len != sizeof(struct wire_payload) + data_len)
		return "data does not fill the frame";
	return NULL;
}

static const char *check_hosts(const char *p, size_t len)
{
	size_t text_len = GET(wire_hosts, text_len, p);

	if (GET(wire_hosts, flags, p) & ~(__u32)WIRE_HOSTS_FLAGS)
		return "unknown flag of hosts";
	if (GET(wire_hosts, file, p) >= WIRE_HOSTS__MAX)
		return "file of hosts out of range";
	if (text_len > WIRE_HOSTS_MAX || len != sizeof(struct wire_hosts) + text_len)
		return "text does not fill the frame";
	return NULL;
}

/* What a name may consist of, so that it can be shown anywhere: wire_name says how other bytes are written.
 */
static bool is_domain(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') ||
		      name[i] == '-' || name[i] == '_' || name[i] == '.' || name[i] == '\\'))
			return false;
	return len > 0 && name[0] != '.' && name[len - 1] != '.';
}

static const char *check_name(const char *p, size_t len)
{
	const char *name = p + sizeof(struct wire_name);
	size_t name_len = GET(wire_name, name_len, p);
	unsigned source = GET(wire_name, source, p), family = GET(wire_name, family, p);

	if (source == WIRE_NAME_NONE || source >= WIRE_NAME__MAX || source == WIRE_NAME_SHARED)
		return "source of a name out of range";
	if (family != AF_INET && family != AF_INET6)
		return "family of a name out of range";
	if (GET(wire_name, flags, p) & ~WIRE_NAME_FLAGS)
		return "unknown flag of a name";
	if (GET(wire_name, flags, p) & WIRE_NAME_SYSTEM && source != WIRE_NAME_DNS &&
	    source != WIRE_NAME_HOSTS)
		return "a name that no system says";
	if (name_len > WIRE_DOMAIN_MAX || len != sizeof(struct wire_name) + name_len)
		return "name does not fill the frame";
	if (name_len == 0 || name[name_len - 1] != '\0')
		return "name is not terminated";
	return is_domain(name, name_len - 1) ? NULL : "not a domain";
}

static const char *check_lookup(const char *p, size_t len)
{
	unsigned family = GET(wire_lookup, family, p);

	(void)len;
	return family == AF_INET || family == AF_INET6 ? NULL : "family of a lookup out of range";
}

static const char *check_resume(const char *p, size_t len)
{
	(void)len;
	return GET(wire_resume, journal, p) == 0 ? "facts numbered by no journal" : NULL;
}

static const char *check_order(const char *p, size_t len)
{
	if (GET(wire_order, id, p) == 0)
		return "order without an id";
	if (GET(wire_order, verb, p) >= WIRE_ORDER__MAX)
		return "verb out of range";
	return check_text(p + sizeof(struct wire_order), len - sizeof(struct wire_order),
			  GET(wire_order, program_len, p), WIRE_PATH_MAX);
}

static const char *check_verdict(const char *p, size_t len)
{
	if (GET(wire_verdict, kind, p) >= WIRE_VERDICT__MAX)
		return "verdict out of range";
	return check_text(p + sizeof(struct wire_verdict), len - sizeof(struct wire_verdict),
			  GET(wire_verdict, text_len, p), WIRE_TEXT_MAX);
}

static const char *check_fetch(const char *p, size_t len)
{
	return check_text(p + sizeof(struct wire_fetch), len - sizeof(struct wire_fetch),
			  GET(wire_fetch, path_len, p), WIRE_PATH_MAX);
}

static const char *check_fetched(const char *p, size_t len)
{
	__u32 error = GET(wire_fetched, error, p);

	(void)len;
	return error >= WIRE_HASH__MAX || error == WIRE_HASH_PENDING ? "hash error out of range" : NULL;
}

static const char *check_sink(const char *p, size_t len)
{
	if (GET(wire_sink, stage, p) < WIRE_CHAIN_END || GET(wire_sink, stage, p) >= WIRE_STAGE__MAX)
		return "sink out of range";
	return check_text(p + sizeof(struct wire_sink), len - sizeof(struct wire_sink),
			  GET(wire_sink, text_len, p), WIRE_TEXT_MAX);
}

struct rule {
	size_t size;   /* of the fixed part */
	bool variable; /* more may follow; check() tests how much */
	const char *(*check)(const char *payload, size_t len);
};

static const struct rule rules[WIRE__MAX] = {
	[WIRE_SETTINGS] = {sizeof(struct wire_settings), true, check_settings},
	[WIRE_TICK] = {sizeof(struct wire_tick), false, NULL},
	[WIRE_FLUSH] = {sizeof(struct wire_flush), false, check_flush},
	[WIRE_WINDOW] = {sizeof(struct wire_window), false, NULL},
	[WIRE_COMMITTED] = {sizeof(struct wire_committed), false, NULL},
	[WIRE_READY] = {sizeof(struct wire_ready), true, check_ready},
	[WIRE_LOSS] = {sizeof(struct wire_loss), true, check_loss},
	[WIRE_ERROR] = {sizeof(struct wire_error), true, check_error},
	[WIRE_EXEC] = {sizeof(struct wire_exec), true, check_exec},
	[WIRE_FORK] = {sizeof(struct wire_fork), false, NULL},
	[WIRE_EXIT] = {sizeof(struct wire_exit), false, NULL},
	[WIRE_FLOW] = {sizeof(struct wire_flow), false, check_flow},
	[WIRE_IMAGE] = {sizeof(struct wire_image) + sizeof(struct wire_exec), true, check_image},
	[WIRE_DIGEST] = {sizeof(struct wire_digest), true, check_digest},
	[WIRE_CHANGED] = {sizeof(struct wire_changed), false, NULL},
	[WIRE_CGROUP] = {sizeof(struct wire_cgroup), true, check_cgroup},
	[WIRE_PLACE] = {sizeof(struct wire_place), true, check_place},
	[WIRE_RESUME] = {sizeof(struct wire_resume), false, check_resume},
	[WIRE_PACKAGE] = {sizeof(struct wire_package), true, check_package},
	[WIRE_STOP] = {0, false, NULL},
	[WIRE_ORDER] = {sizeof(struct wire_order), true, check_order},
	[WIRE_DONE] = {sizeof(struct wire_done), false, NULL},
	[WIRE_EVENT] = {sizeof(struct wire_event), false, NULL},
	[WIRE_VERDICT] = {sizeof(struct wire_verdict), true, check_verdict},
	[WIRE_SINK] = {sizeof(struct wire_sink), true, check_sink},
	[WIRE_FETCH] = {sizeof(struct wire_fetch), true, check_fetch},
	[WIRE_FETCHED] = {sizeof(struct wire_fetched), false, check_fetched},
	[WIRE_LIBRARIES] = {sizeof(struct wire_libraries), true, check_libraries},
	[WIRE_PAYLOAD] = {sizeof(struct wire_payload), true, check_payload},
	[WIRE_NAME] = {sizeof(struct wire_name), true, check_name},
	[WIRE_HOSTS] = {sizeof(struct wire_hosts), true, check_hosts},
	[WIRE_LOOKUP] = {sizeof(struct wire_lookup), false, check_lookup},
	[WIRE_INTERFACES] = {sizeof(struct wire_interfaces), false, NULL},
};

const char *wire_check(const struct wire_hdr *hdr, const void *payload)
{
	const struct rule *rule;

	if (hdr->version != WIRE_VERSION)
		return "another version";
	if (hdr->type == 0 || hdr->type >= WIRE__MAX)
		return "unknown type";
	if (hdr->len > WIRE_FRAME_MAX - sizeof(*hdr))
		return "frame too long";
	rule = &rules[hdr->type];
	if (hdr->len < rule->size)
		return "record too short";
	if (hdr->len > rule->size && !rule->variable)
		return "record too long";
	return rule->check ? rule->check(payload, hdr->len) : NULL;
}

bool wire_is_fact(unsigned type, const void *payload)
{
	switch (type) {
	case WIRE_FLOW:
		return true;
	case WIRE_LOSS:
		return GET(wire_loss, stage, payload) == WIRE_STAGE_COLLECTOR;
	case WIRE_EXEC:
		return GET(wire_exec, source, payload) == WIRE_EXEC_EXECVE;
	case WIRE_IMAGE:
		return GET(wire_exec, source, (const char *)payload + sizeof(struct wire_image)) ==
		       WIRE_EXEC_EXECVE;
	default:
		return false;
	}
}

const char *wire_exec_path(const struct wire_exec *exec)
{
	return exec->path_len ? (const char *)(exec + 1) : "";
}

const char *wire_exec_argv(const struct wire_exec *exec)
{
	return exec->argv_len ? (const char *)(exec + 1) + exec->path_len : "";
}

const char *wire_image_script(const struct wire_image *image)
{
	const struct wire_exec *exec = (const void *)(image + 1);

	return image->script_len ? (const char *)(exec + 1) + exec->path_len + exec->argv_len : "";
}

const char *wire_image_app(const struct wire_image *image)
{
	const struct wire_exec *exec = (const void *)(image + 1);
	size_t at = exec->path_len + exec->argv_len + image->script_len;

	return image->app_len ? (const char *)(exec + 1) + at : "";
}

#define NAME(names, value) ((value) < sizeof(names) / sizeof((names)[0]) ? (names)[value] : NULL)

const char *wire_stage_name(unsigned value)
{
	static const char *const names[WIRE_STAGE__MAX] = {
		[WIRE_STAGE_SUPERVISOR] = "supervisor", [WIRE_STAGE_COLLECTOR] = "collector",
		[WIRE_STAGE_HASHER] = "hasher",		[WIRE_STAGE_STORE] = "store",
		[WIRE_STAGE_NOTICES] = "notices",	[WIRE_STAGE_VIRUSTOTAL] = "virustotal",
		[WIRE_STAGE_POSTGRES] = "postgres",	[WIRE_STAGE_NAMES] = "names",
		[WIRE_STAGE_MARIADB] = "mariadb",	[WIRE_STAGE_REVERSE] = "reverse",
	};

	return NAME(names, value);
}

const char *wire_verdict_name(unsigned value)
{
	static const char *const names[WIRE_VERDICT__MAX] = {
		[WIRE_VERDICT_CLEAN] = "clean",		[WIRE_VERDICT_SUSPICIOUS] = "suspicious",
		[WIRE_VERDICT_MALICIOUS] = "malicious", [WIRE_VERDICT_UNKNOWN] = "unknown",
		[WIRE_VERDICT_UPLOADED] = "uploaded",
	};

	return NAME(names, value);
}

const char *wire_direction_name(unsigned value)
{
	static const char *const names[WIRE_DIRECTION__MAX] = {
		[WIRE_DIRECTION_OUT] = "out",
		[WIRE_DIRECTION_IN] = "in",
	};

	return NAME(names, value);
}

const char *wire_result_name(unsigned value)
{
	static const char *const names[WIRE_RESULT__MAX] = {
		[WIRE_RESULT_OPEN] = "open",	   [WIRE_RESULT_REFUSED] = "refused",
		[WIRE_RESULT_TIMEOUT] = "timeout", [WIRE_RESULT_UNREACHABLE] = "unreachable",
		[WIRE_RESULT_RESET] = "reset",	   [WIRE_RESULT_ABORTED] = "aborted",
		[WIRE_RESULT_LOCAL] = "local",
	};

	return NAME(names, value);
}

const char *wire_peer_name(unsigned value)
{
	static const char *const names[WIRE_PEER__MAX] = {
		[WIRE_PEER_SOCKET] = "socket",	 [WIRE_PEER_MESSAGE] = "message",
		[WIRE_PEER_CALLER] = "caller",	 [WIRE_PEER_INFERRED] = "inferred",
		[WIRE_PEER_UNKNOWN] = "unknown",
	};

	return NAME(names, value);
}

const char *wire_loss_name(unsigned value)
{
	static const char *const names[WIRE_LOSS__MAX] = {
		[WIRE_LOSS_NOT_WATCHING] = "not watching",
		[WIRE_LOSS_SUSPENDED] = "suspended",
		[WIRE_LOSS_RING_FULL] = "ring full",
		[WIRE_LOSS_OVERFLOW_FULL] = "overflow full",
		[WIRE_LOSS_RECURSION] = "recursion",
		[WIRE_LOSS_PEER] = "peer",
		[WIRE_LOSS_USER_READ] = "user read",
		[WIRE_LOSS_HOOK] = "hook",
		[WIRE_LOSS_PIPE] = "pipe",
		[WIRE_LOSS_IMAGE] = "image",
		[WIRE_LOSS_FANOTIFY_OVERFLOW] = "fanotify overflow",
		[WIRE_LOSS_FANOTIFY_READ] = "fanotify read",
		[WIRE_LOSS_MOUNT] = "mount",
		[WIRE_LOSS_STORE] = "store",
		[WIRE_LOSS_RETENTION] = "retention",
		[WIRE_LOSS_CLOCK] = "clock",
		[WIRE_LOSS_UNCOUNTED] = "uncounted",
		[WIRE_LOSS_NAME] = "name",
	};

	return NAME(names, value);
}

const char *wire_explained_name(unsigned value)
{
	static const char *const names[WIRE_EXPLAINED__MAX] = {
		[WIRE_EXPLAINED_YES] = "yes",
		[WIRE_EXPLAINED_NO] = "no",
	};

	return NAME(names, value);
}

const char *wire_hash_error_name(unsigned value)
{
	static const char *const names[WIRE_HASH__MAX] = {
		[WIRE_HASH_PENDING] = "pending",
		[WIRE_HASH_NO_FILE] = "no file",
		[WIRE_HASH_GONE] = "gone",
		[WIRE_HASH_CHANGED] = "changed",
		[WIRE_HASH_PERMISSION] = "permission",
		[WIRE_HASH_READ] = "read",
		[WIRE_HASH_TIMEOUT] = "timeout",
		[WIRE_HASH_ABANDONED] = "abandoned",
		[WIRE_HASH_BUSY] = "busy",
	};

	return NAME(names, value);
}

const char *wire_name_source_name(unsigned value)
{
	static const char *const names[WIRE_NAME__MAX] = {
		[WIRE_NAME_SNI] = "sni",     [WIRE_NAME_QUIC] = "quic", [WIRE_NAME_HTTP] = "http",
		[WIRE_NAME_ECH] = "ech",     [WIRE_NAME_DNS] = "dns",	[WIRE_NAME_MDNS] = "mdns",
		[WIRE_NAME_LLMNR] = "llmnr", [WIRE_NAME_LIBC] = "libc", [WIRE_NAME_SHARED] = "shared",
		[WIRE_NAME_HOSTS] = "hosts", [WIRE_NAME_PTR] = "ptr",
	};

	return NAME(names, value);
}

const char *wire_script_name(unsigned value)
{
	static const char *const names[WIRE_SCRIPT__MAX] = {
		[WIRE_SCRIPT_KERNEL] = "kernel", [WIRE_SCRIPT_ARGV] = "argv",
		[WIRE_SCRIPT_INLINE] = "inline", [WIRE_SCRIPT_MODULE] = "module",
		[WIRE_SCRIPT_STDIN] = "stdin",
	};

	return NAME(names, value);
}
