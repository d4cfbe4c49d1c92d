// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ask.c - see ask.h.
 */
#include "store/virustotal/ask.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAT_MAX 100000 /* engines: more is nonsense */

void ask_hex(char hex[2 * WIRE_SHA256_SIZE + 1], const uint8_t sha256[WIRE_SHA256_SIZE])
{
	size_t i;

	for (i = 0; i < WIRE_SHA256_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", sha256[i]);
}

/* ---- what is in an answer */

static unsigned stat(const cJSON *stats, const char *key)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(stats, key);

	return cJSON_IsNumber(value) && value->valuedouble >= 0 && value->valuedouble <= STAT_MAX
		       ? (unsigned)value->valuedouble
		       : 0;
}

int ask_report(const char *json, size_t len, struct ask_answer *answer)
{
	cJSON *root = cJSON_ParseWithLength(json, len);
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(root, "data");
	const cJSON *attributes = cJSON_GetObjectItemCaseSensitive(data, "attributes");
	const cJSON *stats = cJSON_GetObjectItemCaseSensitive(attributes, "last_analysis_stats");
	unsigned bad = stat(stats, "malicious"), doubtful = stat(stats, "suspicious"),
		 good = stat(stats, "harmless") + stat(stats, "undetected");
	int rc = cJSON_IsObject(stats) ? 0 : -EPROTO;

	cJSON_Delete(root);
	if (rc != 0)
		return rc;
	answer->verdict = bad	     ? WIRE_VERDICT_MALICIOUS
			  : doubtful ? WIRE_VERDICT_SUSPICIOUS
			  : good     ? WIRE_VERDICT_CLEAN
				     : WIRE_VERDICT_UNKNOWN; /* nobody has looked at it yet */
	snprintf(answer->detail, sizeof(answer->detail),
		 "%u of %u engines find it malicious, %u suspicious", bad, bad + doubtful + good, doubtful);
	return 0;
}

bool ask_text(const char *json, size_t len, char *to, size_t size)
{
	cJSON *root = cJSON_ParseWithLength(json, len);
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(root, "data");
	bool fits = cJSON_IsString(data) && snprintf(to, size, "%s", data->valuestring) < (int)size;

	cJSON_Delete(root);
	return fits;
}

/* ---- what a status means */

static void say(struct ask_answer *answer, enum wire_verdict_kind verdict, const char *detail)
{
	answer->verdict = verdict;
	snprintf(answer->detail, sizeof(answer->detail), "%s", detail);
}

void ask_not_uploaded(struct ask_answer *answer, const char *why)
{
	answer->verdict = WIRE_VERDICT_UNKNOWN;
	snprintf(answer->detail, sizeof(answer->detail), "not known to VirusTotal; not uploaded: %s", why);
}

/* Of any request that was not answered as hoped. */
static enum ask_result not_now(const struct http_answer *got, struct ask_answer *answer)
{
	answer->wait_s = got->retry_after_s;
	if (got->status == 401 || got->status == 403) {
		snprintf(answer->detail, sizeof(answer->detail), "the key is not accepted (HTTP %ld)",
			 got->status);
		return ASK_REFUSED;
	}
	if (got->status)
		snprintf(answer->detail, sizeof(answer->detail), "HTTP %ld", got->status);
	else
		snprintf(answer->detail, sizeof(answer->detail), "%s", got->why);
	return ASK_LATER;
}

static enum ask_result understand(const struct http_answer *got, struct ask_answer *answer)
{
	if (got->status == 200) {
		/* asking for nonsense at once again would give the same, and hold up all others */
		if (got->cut)
			say(answer, WIRE_VERDICT_UNKNOWN, "the answer is longer than any report");
		else if (ask_report(got->body ? got->body : "", got->len, answer) != 0)
			say(answer, WIRE_VERDICT_UNKNOWN, "the answer is not a report");
		return ASK_VERDICT;
	}
	if (got->status == 404) {
		say(answer, WIRE_VERDICT_UNKNOWN, "not known to VirusTotal");
		answer->unheard_of = true;
		return ASK_VERDICT;
	}
	return not_now(got, answer);
}

/* ---- requests */

/* BASE/files TAIL. False: too long. */
static bool make_url(const struct ask *a, char url[ASK_URL_MAX], const char *tail)
{
	size_t len = strlen(a->base);

	while (len > 0 && a->base[len - 1] == '/')
		len--;
	return snprintf(url, ASK_URL_MAX, "%.*s/files%s", (int)len, a->base, tail) < ASK_URL_MAX;
}

static enum ask_result too_long(struct ask_answer *answer)
{
	say(answer, WIRE_VERDICT_UNKNOWN, "VT API URL is too long");
	return ASK_REFUSED;
}

enum ask_result ask_lookup(const struct ask *a, const uint8_t sha256[WIRE_SHA256_SIZE],
			   struct ask_answer *answer)
{
	char url[ASK_URL_MAX], tail[2 * WIRE_SHA256_SIZE + 2] = "/";
	struct http_answer got;

	*answer = (struct ask_answer){0};
	ask_hex(tail + 1, sha256);
	if (!make_url(a, url, tail))
		return too_long(answer);
	http_get(a->http, url, a->key, &got);
	return understand(&got, answer);
}

enum ask_result ask_where(const struct ask *a, char url[ASK_URL_MAX], struct ask_answer *answer)
{
	struct http_answer got;
	char *there = NULL;

	*answer = (struct ask_answer){0};
	if (!make_url(a, url, "/upload_url"))
		return too_long(answer);
	http_get(a->http, url, a->key, &got);
	if (got.status != 200)
		return not_now(&got, answer);
	if (!got.cut && ask_text(got.body ? got.body : "", got.len, url, ASK_URL_MAX))
		there = http_same_house(a->base, url);
	if (!there || snprintf(url, ASK_URL_MAX, "%s", there) >= ASK_URL_MAX) {
		free(there);
		ask_not_uploaded(answer, "the server named no address of its own for a large file");
		return ASK_VERDICT;
	}
	free(there);
	return ASK_GO_ON;
}

enum ask_result ask_upload(const struct ask *a, const char *url, const uint8_t sha256[WIRE_SHA256_SIZE],
			   struct source *source, struct ask_answer *answer)
{
	char name[2 * WIRE_SHA256_SIZE + 1], direct[ASK_URL_MAX];
	struct http_answer got;

	*answer = (struct ask_answer){0};
	ask_hex(name, sha256); /* how it is called here is nobody's business there */
	if (!url && !make_url(a, direct, ""))
		return too_long(answer);
	http_post(a->http, url ? url : direct, a->key, name, source, &got);
	switch (got.status) {
	case 200:
	case 409: /* somebody else has just done so */
		say(answer, WIRE_VERDICT_UPLOADED,
		    "not known to VirusTotal; uploaded, its analysis is awaited");
		return ASK_VERDICT;
	case 403: /* lookups may be allowed all the same */
		ask_not_uploaded(answer, "this key may not upload (HTTP 403)");
		return ASK_VERDICT;
	case 413:
		ask_not_uploaded(answer, "it is larger than VirusTotal takes");
		return ASK_VERDICT;
	default:
		return not_now(&got, answer);
	}
}
