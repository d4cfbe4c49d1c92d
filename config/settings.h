/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * settings.h - config.json understood: text in, one struct settings out, or a message that says file, line,
 * key, what was found and what is allowed. keys.c holds the one table of keys. No I/O here but
 * settings_load().
 */
#ifndef FEMTOSNITCH_SETTINGS_H
#define FEMTOSNITCH_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"

enum ignore_kind {
	IGNORE_NET,    /* remote or local address inside addr/prefix */
	IGNORE_PORT,   /* local or remote port */
	IGNORE_SHA256, /* of the program, not of its parent */
	IGNORE_DOMAIN  /* this name and all below it; names a program merely claims do not count */
};

/* One entry of "Log ignore", as understood. */
struct ignore_rule {
	enum ignore_kind kind;
	int family;	    /* NET: AF_INET or AF_INET6 */
	uint8_t addr[16];   /* NET: network order, host bits are zero */
	unsigned prefix;    /* NET */
	uint16_t port;	    /* PORT */
	uint8_t sha256[32]; /* SHA256 */
	char *domain;	    /* DOMAIN: natural order, lower case, no dots at the ends; owned */
};

/* Which BPF programs count bytes: the order of the words of "Hooks". */
enum settings_hooks {
	SETTINGS_HOOKS_AUTO,
	SETTINGS_HOOKS_TRACEPOINTS,
	SETTINGS_HOOKS_TRAMPOLINES,
	SETTINGS_HOOKS__MAX
};

struct settings {
	unsigned retention_days;
	unsigned size_limit_mb;
	unsigned write_limit_s;
	unsigned ring_pages; /* of 4 KiB, a power of two */
	unsigned hooks;	     /* enum settings_hooks */
	unsigned vt_request_limit_s;
	bool sql_log;
	bool text_log;
	bool desktop_notifications;
	bool every_exe;
	bool geoip_lookup;
	bool log_addresses;
	bool log_commands;
	bool log_libraries;
	bool log_ports;
	bool vt_file_upload;
	bool read_names;
	bool reverse_lookup;
	char *geoip_country; /* paths of databases, "" = where they usually are */
	char *geoip_asn;
	char *geoip_url;  /* where `geoip update` fetches */
	char *vt_api_key; /* "" = off */
	char *vt_api_url;
	char *sql_server;      /* JSON of "DB sql server": an object or a string; "{}" = none */
	unsigned notify_kinds; /* bit per kind, see values.c */
	struct ignore_rule *ignore;
	size_t n_ignore;
};

/* Where a message about the settings goes: one line each, without newline. */
typedef void settings_say(void *arg, const char *line);

/* Read text (len bytes, any bytes). 0: *out is filled (free it with settings_free), -EINVAL: refused, every
 * reason was said; -ENOMEM. file is only a name for messages. notice hears of accepted keys that have no
 * meaning here or whose feature is not in this build. Both may be NULL: then nobody is told. */
int settings_parse(struct settings *out, const char *file, const char *text, size_t len, settings_say *refuse,
		   settings_say *notice, void *arg);
void settings_free(struct settings *); /* of a zeroed or filled struct */

/* Read path, then as settings_parse(). What the file system refused is said through refuse too, and its
 * -errno returned. *text, if text is not NULL: what settings_strip() makes of it; caller frees. */
int settings_load(struct settings *out, const char *path, char **text, size_t *text_len, settings_say *refuse,
		  settings_say *notice, void *arg);

/* The file's text without its comments, for the other stages (WIRE_SETTINGS); at most WIRE_SETTINGS_MAX
 * bytes. Caller frees. NULL: no memory. */
char *settings_strip(const char *text, size_t len, size_t *out_len);

/* The config.json of a first run: all keys with their defaults. Constant. */
const char *settings_default_text(void);

/* Does a rule hide traffic with these? Addresses are in network order (IPv4: the first 4 bytes), ports in
 * host order. NULL domain or sha256 = unknown. resolved_domain is natural order. */
bool settings_ignored(const struct settings *, int family, const uint8_t laddr[16], const uint8_t raddr[16],
		      uint16_t lport, uint16_t rport, const uint8_t sha256[32], const char *resolved_domain);

/* Is the log to be copied by that sink? "DB sql server" says which. */
bool settings_copied_to(const struct settings *, enum wire_stage sink);
bool settings_copied(const struct settings *); /* by any */

/* The sink for what "DB sql server" says, by its client. One that this build lacks goes to PostgreSQL's,
 * which says so. */
enum wire_stage settings_server(const char *json);

/* One rule in words, for check-config: "port 443", "2001:db8::/32", "domain example.com and below". */
int settings_rule_text(const struct ignore_rule *, char *buf, size_t size);

#endif
