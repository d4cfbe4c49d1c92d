// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ask.c - see ask.h. The key is a header of the request and nothing else: never in an URL, an argument or a
 * message.
 */
#include "store/virustotal/ask.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SLOW_BYTES 100 /* a server that sends less for SLOW_S is given up */
#define SLOW_S 15
#define STAT_MAX 100000 /* engines: more is nonsense */

struct ask {
	CURL *curl;
	char *body;
	size_t len;
	unsigned retry_after_s;
};

struct ask *ask_open(void)
{
	struct ask *a = calloc(1, sizeof(*a));

	if (!a || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		free(a);
		return NULL;
	}
	if (!(a->curl = curl_easy_init())) {
		free(a);
		return NULL;
	}
	return a;
}

void ask_close(struct ask *a)
{
	if (!a)
		return;
	curl_easy_cleanup(a->curl);
	curl_global_cleanup();
	free(a->body);
	free(a);
}

static size_t on_body(char *bytes, size_t one, size_t len, void *arg)
{
	struct ask *a = arg;
	char *grown;

	(void)one;
	if (a->len + len > ASK_ANSWER_MAX || !(grown = realloc(a->body, a->len + len + 1)))
		return 0; /* an error: the transfer ends */
	a->body = grown;
	memcpy(a->body + a->len, bytes, len);
	a->len += len;
	return len;
}

static size_t on_header(char *line, size_t one, size_t len, void *arg)
{
	static const char want[] = "retry-after:";
	struct ask *a = arg;
	char text[64];
	long value;

	(void)one;
	if (len > sizeof(want) && len < sizeof(text) && strncasecmp(line, want, sizeof(want) - 1) == 0) {
		memcpy(text, line, len);
		text[len] = '\0';
		value = strtol(text + sizeof(want) - 1, NULL, 10); /* a date gives 0: our own back-off then */
		if (value > 0 && value <= 86400)
			a->retry_after_s = (unsigned)value;
	}
	return len;
}

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
		 "{'malicious': %u, 'suspicious': %u, 'harmless or undetected': %u}", bad, doubtful, good);
	return 0;
}

static bool is_loopback(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0; /* config.json takes it for this machine only */
}

static void only_protocol(struct ask *a, bool plain)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(a->curl, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
#else
	curl_easy_setopt(a->curl, CURLOPT_PROTOCOLS, (long)(plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS));
#endif
}

static CURLcode transfer(struct ask *a, const char *url, const char *key)
{
	struct curl_slist *headers = NULL;
	char header[512];
	CURLcode rc;

	snprintf(header, sizeof(header), "x-apikey: %s", key);
	headers = curl_slist_append(NULL, header);
	explicit_bzero(header, sizeof(header));
	if (!headers)
		return CURLE_OUT_OF_MEMORY;
	curl_easy_reset(a->curl);
	curl_easy_setopt(a->curl, CURLOPT_URL, url);
	curl_easy_setopt(a->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(a->curl, CURLOPT_USERAGENT, "femtosnitch/" VERSION);
	curl_easy_setopt(a->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(a->curl, CURLOPT_FOLLOWLOCATION, 0L); /* the key goes nowhere else */
	curl_easy_setopt(a->curl, CURLOPT_CONNECTTIMEOUT, (long)ASK_CONNECT_S);
	curl_easy_setopt(a->curl, CURLOPT_TIMEOUT, (long)ASK_WHOLE_S);
	curl_easy_setopt(a->curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
	curl_easy_setopt(a->curl, CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
	curl_easy_setopt(a->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(a->curl, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(a->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(a->curl, CURLOPT_HEADERDATA, a);
	/* certificates are verified (the default); other protocols than these are not spoken */
	only_protocol(a, is_loopback(url));
	if (is_loopback(url))
		curl_easy_setopt(a->curl, CURLOPT_PROXY, "");
	rc = curl_easy_perform(a->curl);
	curl_slist_free_all(headers);
	return rc;
}

static enum ask_result understand(struct ask *a, long status, struct ask_answer *answer)
{
	switch (status) {
	case 200:
		if (ask_report(a->body ? a->body : "", a->len, answer) == 0)
			return ASK_VERDICT;
		/* asking at once again would give the same, and hold up all others */
		answer->verdict = WIRE_VERDICT_UNKNOWN;
		snprintf(answer->detail, sizeof(answer->detail), "the answer is not a report");
		return ASK_VERDICT;
	case 404:
		answer->verdict = WIRE_VERDICT_UNKNOWN;
		snprintf(answer->detail, sizeof(answer->detail), "not known to VirusTotal");
		return ASK_VERDICT;
	case 401:
	case 403:
		snprintf(answer->detail, sizeof(answer->detail), "the key is not accepted (HTTP %ld)",
			 status);
		return ASK_REFUSED;
	default:
		snprintf(answer->detail, sizeof(answer->detail), "HTTP %ld", status);
		return ASK_LATER;
	}
}

enum ask_result ask_lookup(struct ask *a, const char *base, const char *key,
			   const uint8_t sha256[WIRE_SHA256_SIZE], struct ask_answer *answer)
{
	char url[1024], hex[2 * WIRE_SHA256_SIZE + 1];
	enum ask_result result = ASK_LATER;
	size_t i, len = strlen(base);
	long status = 0;
	CURLcode rc;

	memset(answer, 0, sizeof(*answer));
	for (i = 0; i < WIRE_SHA256_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", sha256[i]);
	while (len > 0 && base[len - 1] == '/')
		len--;
	if (snprintf(url, sizeof(url), "%.*s/files/%s", (int)len, base, hex) >= (int)sizeof(url)) {
		snprintf(answer->detail, sizeof(answer->detail), "VT API URL is too long");
		return ASK_REFUSED;
	}
	a->len = 0;
	a->retry_after_s = 0;
	rc = transfer(a, url, key);
	curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
	if (rc == CURLE_OK) {
		result = understand(a, status, answer);
	} else if (rc == CURLE_WRITE_ERROR && status == 200) {
		answer->verdict = WIRE_VERDICT_UNKNOWN;
		snprintf(answer->detail, sizeof(answer->detail), "the answer is longer than any report");
		result = ASK_VERDICT;
	} else {
		snprintf(answer->detail, sizeof(answer->detail), "%s", curl_easy_strerror(rc));
	}
	answer->wait_s = a->retry_after_s;
	free(a->body);
	a->body = NULL;
	a->len = 0;
	return result;
}
