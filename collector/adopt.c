// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/adopt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/object.h"
#include "config/handover.h"
#include "config/log.h"

#define JOURNAL_NAME "journal"

/* FNV-1a */
static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
	for (const unsigned char *p = bytes; size > 0; size--)
		hash = (hash ^ *p++) * 0x100000001b3u;
	return hash;
}

/* Everything that decides what is in the kernel and how we understand it. */
static uint64_t fingerprint(const struct load_wish *wish)
{
	const uint32_t layout[] = {WIRE_VERSION, sizeof(struct wire_shared), sizeof(struct notes),
				   JOURNAL_HALF, wish->ring_pages,	     wish->set};
	size_t size;
	const void *bytes = object_bytes(&size);

	return mix(mix(0xcbf29ce484222325u, bytes, size), layout, sizeof(layout));
}

/* KIND.NAME.FINGERPRINT; the name may have dots of its own. */
static int name_of(char *to, const char *kind, const char *name, uint64_t print)
{
	return snprintf(to, HANDOVER_NAME_SIZE, "%s.%s.%016llx", kind, name, (unsigned long long)print);
}

struct notes *adopt_notes(struct journal *journal)
{
	return journal_notes(journal);
}

/* ---- from the run before */

/* Is text KIND.NAME.FINGERPRINT? Then NAME is in name. */
static bool parse(const char *text, const char *kind, uint64_t print, char name[HOLD_NAME_SIZE])
{
	char whole[HANDOVER_NAME_SIZE];
	size_t kind_len = strlen(kind), len = strlen(text);

	if (strncmp(text, kind, kind_len) != 0 || text[kind_len] != '.' || len < kind_len + 1 + 17 ||
	    len - kind_len - 1 - 17 >= HOLD_NAME_SIZE)
		return false;
	len -= kind_len + 1 + 17;
	memcpy(name, text + kind_len + 1, len);
	name[len] = '\0';
	name_of(whole, kind, name, print);
	return strcmp(whole, text) == 0;
}

/* Put one into hold, or find the journal in it. False: it is none of ours. */
static bool sort(const struct handover *given, unsigned i, uint64_t print, struct hold *hold,
		 struct journal **journal)
{
	char name[HOLD_NAME_SIZE];

	for (unsigned kind = 0; kind < HOLD__MAX; kind++)
		if (parse(given->name[i], hold_kind_name(kind), print, name))
			return hold_copy(hold, kind, name, given->fd[i]) == 0;
	if (*journal || !parse(given->name[i], "file", print, name) || strcmp(name, JOURNAL_NAME) != 0)
		return false;
	*journal = journal_adopt(given->fd[i]);
	return *journal != NULL;
}

/* NULL: it fits. */
static const char *misfit(const struct handover *given, uint64_t print, struct hold *hold,
			  struct journal **journal)
{
	const struct notes *notes;

	for (unsigned i = 0; i < given->n; i++)
		if (!sort(given, i, print, hold, journal))
			return "it is of another version, or of other settings";
	if (!*journal)
		return "its journal is missing";
	notes = adopt_notes(*journal);
	if (notes->fingerprint != print || notes->held != hold->n)
		return "it is not complete";
	return notes->starting ? "the last that tried did not become ready" : NULL;
}

struct journal *adopt_take(int sock, const struct load_wish *wish, struct hold *hold)
{
	struct handover *given = calloc(1, sizeof(*given));
	struct journal *journal = NULL;
	const char *why = NULL;
	int err = given ? handover_receive(sock, given) : -ENOMEM;

	if (err < 0)
		log_warnx("what the run before left: %s", strerror(-err));
	else if (given->n > 0)
		why = misfit(given, fingerprint(wish), hold, &journal);
	if (why) {
		log_info("what the run before left in the kernel is not taken over: %s", why);
		journal_free(journal);
		journal = NULL;
		hold_close_all(hold);
	}
	if (journal)
		adopt_notes(journal)->starting = 1;
	if (given)
		handover_close(given);
	free(given);
	return journal;
}

/* ---- to the next */

static int give(struct handover *given, const char *kind, const char *name, uint64_t print, int fd)
{
	char text[HANDOVER_NAME_SIZE];
	int len = name_of(text, kind, name, print);

	return handover_add(given, text, len, fd);
}

static int give_all(struct handover *given, const struct hold *hold, unsigned from, uint64_t print)
{
	int err = 0;

	for (unsigned i = from; i < hold->n && err == 0; i++)
		err = give(given, hold_kind_name(hold->held[i].kind), hold->held[i].name, print,
			   hold->held[i].fd);
	return err;
}

int adopt_leave(int sock, const struct load_wish *wish, const struct hold *hold, struct journal *journal)
{
	struct handover *given = calloc(1, sizeof(*given));
	uint64_t print = fingerprint(wish);
	int err = given ? 0 : -ENOMEM;

	if (journal && err == 0)
		err = give_all(given, hold, 0, print);
	if (journal && err == 0) {
		adopt_notes(journal)->fingerprint = print;
		adopt_notes(journal)->held = hold->n;
		err = give(given, "file", JOURNAL_NAME, print, journal_fd(journal));
	}
	if (err == 0)
		err = handover_send(sock, given);
	free(given); /* what is in it stays ours */
	return err;
}

int adopt_leave_more(int sock, const struct hold *hold, unsigned from, struct journal *journal)
{
	struct handover *given = calloc(1, sizeof(*given));
	int err = given ? give_all(given, hold, from, adopt_notes(journal)->fingerprint) : -ENOMEM;

	if (err == 0) {
		given->more = true;
		err = handover_send(sock, given);
	}
	if (err == 0)
		adopt_notes(journal)->held = hold->n;
	free(given);
	return err;
}
