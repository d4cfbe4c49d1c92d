// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * intake.c - see intake.h.
 */
#include "store/intake.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "store/mix.h"
#include "store/schema.h"

#define NS UINT64_C(1000000000)

int intake_open(struct intake *in, const struct settings *settings)
{
	memset(in, 0, sizeof(*in));
	in->settings = settings;
	in->programs = programs_new();
	in->places = places_new(PLACES_MAX);
	in->images = in->programs && in->places ? images_new(in->programs, in->places, IMAGES_PROCESSES_MAX)
						: NULL;
	in->names = in->images ? names_new(in->images) : NULL;
	in->batch = in->names ? batch_new(in->images, in->names, BATCH_MAX) : NULL;
	in->waiting = in->names ? batch_new(in->images, in->names, BATCH_EARLY) : NULL;
	in->seen = seen_new();
	in->losses = losses_new();
	in->changes = changes_new(in->images);
	if (in->batch && in->waiting && in->seen && in->losses && in->changes)
		return 0;
	intake_close(in);
	return -ENOMEM;
}

void intake_close(struct intake *in)
{
	batch_free(in->batch);
	batch_free(in->waiting);
	names_free(in->names);
	images_free(in->images);
	places_free(in->places);
	programs_free(in->programs);
	seen_free(in->seen);
	losses_free(in->losses);
	changes_free(in->changes);
	memset(in, 0, sizeof(*in));
}

void intake_loss(struct intake *in, enum wire_loss_kind kind, wire_ns from, wire_ns to, uint64_t records,
		 uint64_t bytes, const char *detail)
{
	struct wire_loss loss = {
		.from_ns = from,
		.to_ns = to > from ? to : from,
		.records = records,
		.bytes = bytes,
		.kind = kind,
		.stage = WIRE_STAGE_STORE,
	};

	losses_add(in->losses, &loss, detail, strlen(detail));
}

static void put(struct intake *in, struct batch *b, const struct batch_entry *e)
{
	const struct batch_sums *sums = &e->sums;
	int rc = batch_add(b, e);

	if (rc == -ENOSPC && b == in->waiting)
		rc = batch_add(in->batch, e);
	if (rc != 0)
		intake_loss(in, WIRE_LOSS_STORE, (wire_ns)sums->first_s * NS, (wire_ns)sums->last_s * NS, 1,
			    sums->sent_bytes + sums->received_bytes,
			    rc == -ENOSPC ? "too much traffic waited to be written" : "no memory");
}

static bool sha256_rules(const struct settings *settings)
{
	size_t i;

	for (i = 0; i < settings->n_ignore; i++)
		if (settings->ignore[i].kind == IGNORE_SHA256)
			return true;
	return false;
}

static bool sha256_ignored(const struct settings *settings, const struct program *p)
{
	size_t i;

	for (i = 0; i < settings->n_ignore && p->hash_error == WIRE_HASH_OK; i++)
		if (settings->ignore[i].kind == IGNORE_SHA256 &&
		    memcmp(settings->ignore[i].sha256, p->sha256, sizeof(p->sha256)) == 0)
			return true;
	return false;
}

/* Only its hash can tell. */
static bool must_wait(const struct settings *settings, const struct program *p)
{
	return p && p->hash_error == WIRE_HASH_PENDING && sha256_rules(settings);
}

/* "Every exe": an execution is a row of its own kind. */
static void put_execution(struct intake *in, struct image *image, const struct wire_exec *exec, int64_t now_s)
{
	struct batch_key key = {
		.image = image,
		.uid = exec->uid,
		.creator_uid = exec->uid,
		.netns = exec->netns,
		.lport = -1,
		.rport = -1,
		.direction = SCHEMA_NONE,
		.peer = SCHEMA_NONE,
	};
	struct program *p = image->command->program;
	int64_t at = exec->time_ns ? (int64_t)(exec->time_ns / NS) : now_s;
	struct batch_entry e = {.key = key, .sums = {.first_s = at, .last_s = at, .events = 1}};

	programs_used(in->programs, p, at, false);
	if (!sha256_ignored(in->settings, p))
		put(in, must_wait(in->settings, p) ? in->waiting : in->batch, &e);
}

static void used_network(struct intake *in, const struct image *i, uint32_t uid, int64_t now_s)
{
	programs_network(in->programs, i->command->program, i->parent ? i->parent->command->program : NULL,
			 uid, in->settings->log_commands ? i->command->cmdline : NULL, now_s);
}

int intake_place(struct intake *in, const struct wire_place *wire)
{
	return places_add(in->places, wire);
}

int intake_image(struct intake *in, const struct wire_image *wire, int64_t now_s, bool known)
{
	const struct wire_exec *exec = (const void *)(wire + 1);
	int rc = images_exec(in->images, wire, in->settings->log_commands);
	struct image *image;

	if (rc == 0)
		rc = changes_image(in->changes, wire, places_find(in->places, wire->place_id), now_s);
	if (rc != 0 || (exec->source != WIRE_EXEC_NETWORK && !in->settings->every_exe))
		return rc;
	image = images_find(in->images, &exec->image);
	if (!image)
		return -ENOMEM;
	if (exec->source == WIRE_EXEC_NETWORK) /* known within a second, not when the window ends */
		used_network(in, image, exec->uid, now_s);
	else if (exec->source == WIRE_EXEC_EXECVE && !known)
		put_execution(in, image, exec, now_s);
	return 0;
}

/* Traffic of the kernel's own sockets (key 0) that the collector had no name for. */
static struct image *kernel_image(struct intake *in)
{
	struct {
		struct wire_image image;
		struct wire_exec exec;
	} kernel = {
		.image = {.hash_error = WIRE_HASH_NO_FILE},
		.exec = {.flags = WIRE_EXEC_KERNEL, .source = WIRE_EXEC_NETWORK, .comm = "socket"},
	};

	images_exec(in->images, &kernel.image, true);
	return images_find(in->images, &kernel.exec.image);
}

static struct image *find_image(struct intake *in, const struct wire_flow *f)
{
	struct image *image = images_find(in->images, &f->image);

	if (!image && f->image.tgid == 0 && f->image.start_ns == 0)
		image = kernel_image(in);
	if (!image)
		intake_loss(in, WIRE_LOSS_IMAGE, f->first_ns, f->last_ns, 1,
			    f->sent_bytes + f->received_bytes, "traffic of programs that nobody described");
	return image;
}

static uint64_t connection_hash(const struct wire_flow *f)
{
	uint64_t h = f->cookie * 0x9e3779b97f4a7c15u ^ f->image.start_ns;

	h ^= (uint64_t)f->image.tgid << 32 | f->image.exec_id;
	return (mix(h, f->raddr, WIRE_ADDR_SIZE) ^ f->rport) * 0xc4ceb9fe1a85ec53u;
}

/* Where the socket was made, if that is another place than where it is used: another container or unit, not
 * merely another cgroup of the same. Sockets of the kernel itself may come from nowhere. */
static struct place *creator(struct intake *in, const struct wire_flow *f, const struct image *image)
{
	const struct place *user = image ? image->place : NULL;
	struct place *maker;

	if (f->creator_cgroup == 0 || (user && user->cgroup_id == f->creator_cgroup))
		return NULL;
	maker = places_find(in->places, f->creator_cgroup);
	if (!maker || !place_name(maker) || strcmp(place_name(maker), place_name(user) ?: "/") == 0)
		return NULL;
	return maker;
}

static void fill_key(struct batch_key *key, const struct settings *settings, const struct wire_flow *f)
{
	key->uid = f->uid;
	key->creator_uid = f->creator_uid;
	key->netns = f->netns;
	key->family = f->family;
	key->protocol = f->protocol;
	key->direction = (int8_t)f->direction;
	key->result = f->result;
	key->peer = settings->log_addresses ? (int8_t)f->peer : SCHEMA_OFF;
	key->addresses_off = !settings->log_addresses;
	if (settings->log_ports) {
		key->lport = f->lport;
		key->rport = f->rport;
	}
	if (settings->log_addresses) {
		memcpy(key->laddr, f->laddr, sizeof(key->laddr));
		memcpy(key->raddr, f->raddr, sizeof(key->raddr));
	}
}

/* name: NULL: none that may hide it. */
static bool is_ignored(const struct settings *settings, const struct wire_flow *f, const struct program *p,
		       const char *name)
{
	if (settings->n_ignore == 0)
		return false;
	return settings_ignored(settings, f->family, f->laddr, f->raddr, f->lport, f->rport,
				p && p->hash_error == WIRE_HASH_OK ? p->sha256 : NULL, name);
}

static bool find_names(struct intake *in, const struct wire_flow *f, wire_ns first,
		       const struct batch_entry *e, struct names_of *names)
{
	struct names_connection c = {
		.ask = {.image = f->image,
			.addr = f->raddr,
			.netns = f->netns,
			.family = f->family,
			.begin_ns = first},
		.cookie = f->cookie,
		.rport = f->rport,
		.id = e->connection,
		.incoming = f->direction == WIRE_DIRECTION_IN,
		.begins = e->sums.connections > 0,
		.ends = e->ended,
	};

	return names_find(in->names, &c, names);
}

/* Is it to be left out by its name? What its own process was told is certain. What others were told may be
 * another name than its own, which comes later: then it waits, apart from all others, until the names of the
 * window are there (name_late(); without addresses it cannot be looked at again, and is written). */
static bool is_hidden(struct intake *in, const struct wire_flow *f, const struct program *p,
		      const struct names_of *names, struct batch_entry *e)
{
	if (!is_ignored(in->settings, f, p, names->resolved->text))
		return false;
	if (names_is_own(names->resolved))
		return true;
	e->key.apart = (uint32_t)(e->connection >> 32) | 1;
	return false;
}

void intake_flow(struct intake *in, const struct wire_flow *f, wire_ns now)
{
	wire_ns first = f->first_ns ? f->first_ns : now, last = f->last_ns > first ? f->last_ns : first;
	struct batch_entry e = {
		.key = {.image = find_image(in, f)},
		.sums = {.first_s = (int64_t)(first / NS),
			 .last_s = (int64_t)(last / NS),
			 .sniffed_bytes = f->sniffed_bytes,
			 .events = 1},
		.cookie = f->cookie,
		.connection = connection_hash(f),
		.user = f->image,
		.rport = f->rport,
		.ended = f->flags & WIRE_FLOW_ENDED,
	};
	struct program *p = e.key.image ? e.key.image->command->program : NULL;
	struct names_of names;
	bool hides;

	/* what is in a tunnel's frames is counted at the sockets behind it as well */
	*(f->flags & WIRE_FLOW_TUNNEL ? &e.sums.tunnel_sent_bytes : &e.sums.sent_bytes) = f->sent_bytes;
	*(f->flags & WIRE_FLOW_TUNNEL ? &e.sums.tunnel_received_bytes : &e.sums.received_bytes) =
		f->received_bytes;
	if (p)
		used_network(in, e.key.image, f->uid, e.sums.last_s);
	e.sums.connections =
		f->cookie == 0 || seen_first(in->seen, e.connection, e.ended, (int64_t)(now / NS));
	hides = find_names(in, f, first, &e, &names);
	if (is_ignored(in->settings, f, p, NULL) || (hides && is_hidden(in, f, p, &names, &e))) {
		if (p)
			programs_ignored(in->programs, p, e.sums.sent_bytes + e.sums.received_bytes);
		return;
	}
	fill_key(&e.key, in->settings, f);
	if (in->settings->log_addresses)
		e.key.names = names;
	/* not of our own: what asks would be asked about */
	if (in->lookups && in->settings->reverse_lookup && in->settings->log_addresses && !names.claim &&
	    !names.resolved && !(p && p->self))
		lookups_ask(in->lookups, f, e.sums.last_s);
	e.key.creator = creator(in, f, e.key.image);
	put(in, must_wait(in->settings, p) ? in->waiting : in->batch, &e);
}

/* False: it is ignored, now that its name is known. */
static bool name_late(void *arg, struct batch_entry *e)
{
	struct intake *in = arg;
	struct batch_key *key = &e->key;
	struct names_connection c = {
		.ask = {.image = e->user,
			.addr = key->raddr,
			.netns = key->netns,
			.family = key->family,
			.begin_ns = (wire_ns)e->sums.first_s * NS},
		.cookie = e->cookie,
		.rport = e->rport,
		.id = e->connection,
		.incoming = key->direction == WIRE_DIRECTION_IN,
		.begins = e->sums.connections > 0,
		.ends = e->ended,
	};
	struct names_of names;
	bool hides;

	key->apart = 0;
	/* of sockets that share a row the name of the last would be the name of all */
	if (key->lport < 0 || key->addresses_off || e->sums.events != 1 ||
	    (key->names.claim && names_is_own(key->names.resolved) && in->settings->n_ignore == 0))
		return true;
	hides = names_find(in->names, &c, &names);
	key->names.claim = key->names.claim ?: names.claim;
	if (names.resolved && (!key->names.resolved || names.resolved->source < key->names.resolved->source))
		key->names.resolved = names.resolved;
	if (!hides || key->names.resolved != names.resolved ||
	    !settings_ignored(in->settings, key->family, key->laddr, key->raddr, (uint16_t)key->lport,
			      e->rport, NULL, names.resolved->text))
		return true;
	if (key->image)
		programs_ignored(in->programs, key->image->command->program,
				 e->sums.sent_bytes + e->sums.received_bytes);
	return false;
}

/* A notification is no way around what is not to be logged. */
static bool may_tell(const struct settings *settings, const struct wire_name *w, const char *domain)
{
	static const uint8_t nowhere[WIRE_ADDR_SIZE];

	return settings->log_addresses &&
	       (WIRE_NAME_IS_CLAIM(w->source) || settings->n_ignore == 0 ||
		!settings_ignored(settings, AF_UNSPEC, nowhere, nowhere, 0, 0, NULL, domain));
}

int intake_told(struct intake *in, const struct wire_name *w)
{
	struct image *image = w->image.tgid ? images_find(in->images, &w->image) : NULL;
	const char *domain = (const char *)(w + 1);

	if (image && may_tell(in->settings, w, domain))
		programs_named(image->command->program, domain, WIRE_NAME_IS_CLAIM(w->source));
	return names_add(in->names, w);
}

void intake_name(struct intake *in)
{
	batch_revise(in->batch, name_late, in);
}

void intake_settle(struct intake *in, wire_ns now, int all)
{
	const struct batch_entry *e = batch_entries(in->waiting);
	size_t count = batch_count(in->waiting), i;
	struct program *p;

	/* All or none: the few that come with a large program wait together. */
	for (i = 0; i < count && !all; i++)
		if (e[i].key.image->command->program->hash_error == WIRE_HASH_PENDING &&
		    e[i].sums.last_s + INTAKE_WAIT_S > (int64_t)(now / NS))
			return;
	for (i = 0; i < count; i++) {
		p = e[i].key.image->command->program;
		if (sha256_ignored(in->settings, p))
			programs_ignored(in->programs, p, e[i].sums.sent_bytes + e[i].sums.received_bytes);
		else
			put(in, in->batch, &e[i]);
	}
	batch_clear(in->waiting);
}

void intake_window(struct intake *in, wire_ns now)
{
	uint64_t evicted = images_window(in->images);

	if (evicted > 0)
		intake_loss(in, WIRE_LOSS_IMAGE, now, now, evicted, 0,
			    "more processes than are remembered: the oldest were forgotten");
	names_window(in->names);
	intake_settle(in, now, 0);
}
