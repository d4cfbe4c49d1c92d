// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * http.c - see http.h.
 */
#include "store/virustotal/http.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SLOW_BYTES 100 /* a server that sends or takes less for SLOW_S is given up */
#define SLOW_S 15
#define SLOW_POST_S 60 /* it may think about a file */
#define FAMILY ".virustotal.com"

struct http {
	CURL *curl;
	char *body;
	size_t len;
	bool cut;
	unsigned retry_after_s;
};

struct http *http_open(void)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		free(h);
		return NULL;
	}
	if (!(h->curl = curl_easy_init())) {
		free(h);
		return NULL;
	}
	return h;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	curl_global_cleanup();
	free(h->body);
	free(h);
}

/* ---- what the client calls */

static size_t on_body(char *bytes, size_t one, size_t len, void *arg)
{
	struct http *h = arg;
	char *grown = NULL;

	(void)one;
	h->cut = h->len + len > HTTP_ANSWER_MAX;
	if (h->cut || !(grown = realloc(h->body, h->len + len + 1)))
		return 0; /* an error: the transfer ends */
	h->body = grown;
	memcpy(h->body + h->len, bytes, len);
	h->len += len;
	return len;
}

static size_t on_header(char *line, size_t one, size_t len, void *arg)
{
	static const char want[] = "retry-after:";
	struct http *h = arg;
	char text[64];
	long value;

	(void)one;
	if (len > sizeof(want) && len < sizeof(text) && strncasecmp(line, want, sizeof(want) - 1) == 0) {
		memcpy(text, line, len);
		text[len] = '\0';
		value = strtol(text + sizeof(want) - 1, NULL, 10); /* a date gives 0: our own back-off then */
		if (value > 0 && value <= 86400)
			h->retry_after_s = (unsigned)value;
	}
	return len;
}

static size_t on_file(char *buf, size_t one, size_t len, void *arg)
{
	ssize_t n = source_read(arg, buf, one * len);

	return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

/* ---- a request */

static bool is_plain(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0; /* config.json takes it for this machine only */
}

static void only_protocol(struct http *h, bool plain)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
#else
	curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS, (long)(plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS));
#endif
}

static struct curl_slist *key_header(const char *key)
{
	struct curl_slist *headers;
	char header[512];

	snprintf(header, sizeof(header), "x-apikey: %s", key);
	headers = curl_slist_append(NULL, header);
	explicit_bzero(header, sizeof(header));
	return headers;
}

static void prepare(struct http *h, const char *url)
{
	curl_easy_reset(h->curl);
	curl_easy_setopt(h->curl, CURLOPT_URL, url);
	curl_easy_setopt(h->curl, CURLOPT_USERAGENT, "femtosnitch/" VERSION);
	curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h->curl, CURLOPT_FOLLOWLOCATION, 0L); /* the key goes nowhere else */
	curl_easy_setopt(h->curl, CURLOPT_CONNECTTIMEOUT, (long)HTTP_CONNECT_S);
	curl_easy_setopt(h->curl, CURLOPT_TIMEOUT, (long)HTTP_WHOLE_S);
	curl_easy_setopt(h->curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
	curl_easy_setopt(h->curl, CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
	curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(h->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h->curl, CURLOPT_HEADERDATA, h);
	/* certificates are verified (the default); other protocols than these are not spoken */
	only_protocol(h, is_plain(url));
	if (is_plain(url))
		curl_easy_setopt(h->curl, CURLOPT_PROXY, "");
	free(h->body);
	h->body = NULL;
	h->len = 0;
	h->cut = false;
	h->retry_after_s = 0;
}

static void perform(struct http *h, const char *key, struct http_answer *answer)
{
	struct curl_slist *headers = key_header(key);
	CURLcode rc = CURLE_OUT_OF_MEMORY;

	*answer = (struct http_answer){0};
	if (headers) {
		curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, headers);
		rc = curl_easy_perform(h->curl);
	}
	curl_slist_free_all(headers);
	if (rc == CURLE_OK || h->cut)
		curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &answer->status);
	answer->why = curl_easy_strerror(rc);
	answer->body = h->body;
	answer->len = h->len;
	answer->cut = h->cut;
	answer->retry_after_s = h->retry_after_s;
}

void http_get(struct http *h, const char *url, const char *key, struct http_answer *answer)
{
	prepare(h, url);
	perform(h, key, answer);
}

void http_post(struct http *h, const char *url, const char *key, const char *name, struct source *source,
	       struct http_answer *answer)
{
	uint64_t size = source_size(source);
	curl_mime *form;
	curl_mimepart *part;

	prepare(h, url);
	form = curl_mime_init(h->curl);
	part = form ? curl_mime_addpart(form) : NULL;
	if (!part || curl_mime_name(part, "file") || curl_mime_filename(part, name) ||
	    curl_mime_type(part, "application/octet-stream") ||
	    curl_mime_data_cb(part, (curl_off_t)size, on_file, NULL, NULL, source)) {
		*answer = (struct http_answer){.why = "no memory"};
		curl_mime_free(form);
		return;
	}
	curl_easy_setopt(h->curl, CURLOPT_MIMEPOST, form);
	curl_easy_setopt(h->curl, CURLOPT_FRESH_CONNECT,
			 1L); /* an old one may be dead: it cannot begin again */
	curl_easy_setopt(h->curl, CURLOPT_LOW_SPEED_TIME, (long)SLOW_POST_S);
	curl_easy_setopt(h->curl, CURLOPT_TIMEOUT,
			 (long)(HTTP_WHOLE_S + SLOW_POST_S + size / HTTP_BYTES_PER_S));
	perform(h, key, answer);
	curl_mime_free(form);
}

/* ---- where to */

static bool ends_in(const char *host, const char *end)
{
	size_t n = strlen(host), m = strlen(end);

	return n > m && strcasecmp(host + n - m, end) == 0;
}

static bool same_house(CURLU *base, CURLU *named)
{
	char *a = NULL, *b = NULL, *pa = NULL, *pb = NULL;
	bool same = curl_url_get(base, CURLUPART_HOST, &a, 0) == CURLUE_OK &&
		    curl_url_get(named, CURLUPART_HOST, &b, 0) == CURLUE_OK &&
		    curl_url_get(base, CURLUPART_PORT, &pa, CURLU_DEFAULT_PORT) == CURLUE_OK &&
		    curl_url_get(named, CURLUPART_PORT, &pb, CURLU_DEFAULT_PORT) == CURLUE_OK &&
		    strcmp(pa, pb) == 0 &&
		    (strcasecmp(a, b) == 0 || (ends_in(a, FAMILY) && ends_in(b, FAMILY)));

	curl_free(a);
	curl_free(b);
	curl_free(pa);
	curl_free(pb);
	return same;
}

char *http_same_house(const char *base, const char *named)
{
	CURLU *of_base = curl_url(), *of_named = curl_url();
	char *scheme = NULL, *url = NULL, *copy = NULL;

	if (of_base && of_named && curl_url_set(of_base, CURLUPART_URL, base, 0) == CURLUE_OK &&
	    curl_url_set(of_named, CURLUPART_URL, named, 0) == CURLUE_OK &&
	    curl_url_get(of_base, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_set(of_named, CURLUPART_SCHEME, scheme, 0) == CURLUE_OK &&
	    same_house(of_base, of_named) && curl_url_get(of_named, CURLUPART_URL, &url, 0) == CURLUE_OK)
		copy = strdup(url);
	curl_free(scheme);
	curl_free(url);
	curl_url_cleanup(of_base);
	curl_url_cleanup(of_named);
	return copy;
}
