// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * record.c - see record.h. Which name ran with which content is not in the file: each of a path's names is
 * known with each of its contents.
 */
#include "store/import/record.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "store/import/told.h"

#define DETAIL_MAX 400

/* Keys that name programs, and as what. */
static const struct role {
	const char *key;
	bool network, parent;
} roles[] = {
	{"Executables", true, false},
	{"Parent Executables", false, true},
	{"Grandparent Executables", false, false},
};

/* ...and those that say the same the other way round, or nothing that we keep. */
static const char *const others[] = {"Names", "Parent Names", "Grandparent Names", "SHA256", NULL};

struct record {
	struct take *take;
	const struct foreign *file;
	cJSON **sha256; /* items of "SHA256", by name */
	size_t n_sha256;
	uint64_t programs, verdicts, left_out;
};

static int by_name(const void *a, const void *b)
{
	return strcmp((*(cJSON *const *)a)->string, (*(cJSON *const *)b)->string);
}

static void index_hashes(struct record *r, const cJSON *root)
{
	cJSON *hashes = cJSON_GetObjectItemCaseSensitive(root, "SHA256"), *item;

	if (!cJSON_IsObject(hashes))
		return;
	cJSON_ArrayForEach(item, hashes) r->n_sha256++;
	r->sha256 = calloc(r->n_sha256 + 1, sizeof(*r->sha256));
	if (!r->sha256)
		fatalx("no memory");
	r->n_sha256 = 0;
	cJSON_ArrayForEach(item, hashes) r->sha256[r->n_sha256++] = item;
	qsort(r->sha256, r->n_sha256, sizeof(*r->sha256), by_name);
}

/* {hash: status} of a path, NULL: none. */
static const cJSON *hashes_of(const struct record *r, char *exe)
{
	cJSON key = {.string = exe}, *k = &key, **found;

	found = r->n_sha256 ? bsearch(&k, r->sha256, r->n_sha256, sizeof(*r->sha256), by_name) : NULL;
	return found && cJSON_IsObject(*found) ? *found : NULL;
}

/* ---- programs */

static int take_one(struct record *r, const struct role *role, const char *exe, const char *name,
		    const uint8_t *sha256)
{
	int64_t at = r->file->modified_s;

	r->programs++;
	return take_program(r->take, exe, name, sha256, role->network ? at : 0, role->parent ? at : 0);
}

static int take_name(struct record *r, const struct role *role, const char *exe, const char *name,
		     const cJSON *hashes, unsigned *room)
{
	uint8_t sha256[WIRE_SHA256_SIZE];
	const cJSON *hash;
	int rc = 0, taken = 0;

	cJSON_ArrayForEach(hash, hashes)
	{
		if (rc != 0 || *room == 0)
			break;
		if (!told_sha256(hash->string, strlen(hash->string), sha256))
			continue;
		rc = take_one(r, role, exe, name, sha256);
		taken++, (*room)--;
	}
	if (rc == 0 && taken == 0 && *room > 0) {
		rc = take_one(r, role, exe, name, NULL);
		(*room)--;
	}
	return rc;
}

/* "path": ["name", ...] */
static int take_path(struct record *r, const struct role *role, const cJSON *item)
{
	const cJSON *hashes = hashes_of(r, item->string), *name;
	char *exe = text_clean(item->string, strlen(item->string)), *clean;
	unsigned room = RECORD_PROGRAMS_MAX;
	int rc = 0;

	if (!exe)
		fatalx("no memory");
	cJSON_ArrayForEach(name, item)
	{
		if (rc != 0 || !cJSON_IsString(name))
			continue;
		if (!(clean = text_clean(name->valuestring, strlen(name->valuestring))))
			fatalx("no memory");
		rc = take_name(r, role, exe[0] ? exe : NULL, clean[0] ? clean : NULL, hashes, &room);
		free(clean);
	}
	r->left_out += room == 0;
	free(exe);
	return rc;
}

static int take_role(struct record *r, const struct role *role, const cJSON *root)
{
	const cJSON *paths = cJSON_GetObjectItemCaseSensitive(root, role->key), *item;
	int rc = 0;

	if (!cJSON_IsObject(paths))
		return 0;
	cJSON_ArrayForEach(item, paths) if (rc == 0) rc = take_path(r, role, item);
	return rc;
}

/* ---- verdicts */

/* The number behind 'WORD': in what VirusTotal's statistics look like as Python's text, -1: none. */
static long statistic(const char *status, const char *word)
{
	const char *at = strstr(status, word);
	char *end;
	long n;

	if (!at || at == status || at[-1] != '\'' || strncmp(at + strlen(word), "': ", 3) != 0)
		return -1;
	n = strtol(at + strlen(word) + 3, &end, 10);
	return end == at + strlen(word) + 3 ? -1 : n;
}

static int take_status(struct record *r, const cJSON *hash)
{
	struct wire_verdict v = {.time_s = r->file->modified_s};
	long malicious, suspicious;
	char text[DETAIL_MAX + 32], *detail;
	int rc;

	if (!cJSON_IsString(hash) || !told_sha256(hash->string, strlen(hash->string), v.sha256))
		return 0;
	malicious = statistic(hash->valuestring, "malicious");
	suspicious = statistic(hash->valuestring, "suspicious");
	if (malicious < 0 || suspicious < 0)
		return 0;
	v.kind = malicious    ? WIRE_VERDICT_MALICIOUS
		 : suspicious ? WIRE_VERDICT_SUSPICIOUS
			      : WIRE_VERDICT_CLEAN;
	snprintf(text, sizeof(text), "told by picosnitch: %.*s", DETAIL_MAX, hash->valuestring);
	if (!(detail = text_clean(text, strlen(text))))
		fatalx("no memory");
	rc = take_verdict(r->take, &v, detail);
	free(detail);
	r->verdicts++;
	return rc;
}

static int take_verdicts(struct record *r)
{
	const cJSON *hash;
	size_t i;
	int rc = 0;

	for (i = 0; i < r->n_sha256; i++)
		if (cJSON_IsObject(r->sha256[i]))
			cJSON_ArrayForEach(hash, r->sha256[i]) if (rc == 0) rc = take_status(r, hash);
	return rc;
}

/* ---- the file */

static bool is_known(const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(roles[i].key, key) == 0)
			return true;
	for (i = 0; others[i]; i++)
		if (strcmp(others[i], key) == 0)
			return true;
	return false;
}

static void say(const struct record *r, const cJSON *root)
{
	const cJSON *item;
	unsigned said = 0;

	log_info("%s: %llu programs are known now, with %llu verdicts", r->file->path,
		 (unsigned long long)r->programs, (unsigned long long)r->verdicts);
	if (r->left_out > 0)
		log_info("%s: of %llu paths only the first %d names and contents", r->file->path,
			 (unsigned long long)r->left_out, RECORD_PROGRAMS_MAX);
	cJSON_ArrayForEach(item, root) if (!is_known(item->string) && said++ < 20)
		log_info("%s: no counterpart: %.64s", r->file->path, item->string);
}

static int take_all(struct record *r, const cJSON *root)
{
	size_t i;
	int rc = 0;

	index_hashes(r, root);
	for (i = 0; i < sizeof(roles) / sizeof(roles[0]) && rc == 0; i++)
		rc = take_role(r, &roles[i], root);
	if (rc == 0)
		rc = take_verdicts(r);
	if (rc == 0)
		rc = take_flush(r->take);
	if (rc == 0)
		say(r, root);
	free(r->sha256);
	return rc;
}

int record_take(struct take *t, const struct foreign *file)
{
	struct record r = {.take = t, .file = file};
	cJSON *root = cJSON_ParseWithLength(file->bytes, file->size);
	int rc = -EINVAL;

	if (!cJSON_IsObject(root))
		log_warnx("%s: not JSON that can be read", file->path);
	else if (cJSON_GetObjectItemCaseSensitive(root, "DB retention (days)"))
		log_warnx("%s: settings of picosnitch 1: they are good here as they are, copy the file",
			  file->path);
	else if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(root, "Executables")))
		log_warnx("%s: not a list of programs of picosnitch", file->path);
	else
		rc = take_all(&r, root);
	cJSON_Delete(root);
	return rc;
}
