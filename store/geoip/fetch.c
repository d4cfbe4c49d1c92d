// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fetch.c - see fetch.h.
 */
#include "store/geoip/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <zlib.h>

#define CONNECT_S 30
#define WHOLE_S 1800
#define SLOW_BYTES 100 /* a server that sends less for SLOW_S is given up */
#define SLOW_S 60
#define GZIP_ONLY (16 + MAX_WBITS) /* zlib.h, inflateInit2() */

struct fetch {
	int fd;
	size_t got, written;
	bool packed, unpacked; /* it is gzip; its end came */
	z_stream z;
	const char *why; /* we stopped it */
};

static bool write_all(struct fetch *f, const unsigned char *bytes, size_t len)
{
	ssize_t n;

	f->written += len;
	if (f->written > FETCH_MAX) {
		f->why = "it is larger than any such database";
		return false;
	}
	for (; len > 0; bytes += n, len -= (size_t)n)
		if ((n = write(f->fd, bytes, len)) < 0) {
			f->why = strerror(errno);
			return false;
		}
	return true;
}

static bool unpack(struct fetch *f, char *bytes, size_t len)
{
	unsigned char out[16384];
	int rc = Z_OK;

	f->z.next_in = (unsigned char *)bytes;
	f->z.avail_in = (unsigned)len;
	do {
		f->z.next_out = out;
		f->z.avail_out = sizeof(out);
		rc = inflate(&f->z, Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
			f->why = "it is damaged (gzip)";
			return false;
		}
		if (!write_all(f, out, sizeof(out) - f->z.avail_out))
			return false;
	} while (rc == Z_OK && f->z.avail_out == 0);
	f->unpacked = rc == Z_STREAM_END;
	return true;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *arg)
{
	struct fetch *f = arg;

	(void)one;
	if (f->got == 0 && len >= 2)
		f->packed = (unsigned char)bytes[0] == 0x1f && (unsigned char)bytes[1] == 0x8b;
	f->got += len;
	if (f->unpacked)
		return len; /* what is behind it is nothing of ours */
	if (f->packed ? !unpack(f, bytes, len) : !write_all(f, (unsigned char *)bytes, len))
		return 0; /* an error: the transfer ends */
	return len;
}

static void only_protocol(CURL *curl, bool plain)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS));
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, (long)CURLPROTO_HTTPS);
#endif
}

static void prepare(CURL *curl, const char *url, struct fetch *f)
{
	bool plain = strncasecmp(url, "http://", 7) == 0; /* config.json takes it for this machine only */

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "femtosnitch/" VERSION);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)WHOLE_S);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, f);
	only_protocol(curl, plain);
	if (plain)
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

static enum fetch_result result(CURL *curl, CURLcode rc, struct fetch *f, char *why, size_t size)
{
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 404)
		return FETCH_NOT_THERE;
	if (rc != CURLE_OK)
		snprintf(why, size, "%s", f->why ? f->why : curl_easy_strerror(rc));
	else if (f->packed && !f->unpacked)
		snprintf(why, size, "its end is missing");
	return rc == CURLE_OK && (!f->packed || f->unpacked) ? FETCH_DONE : FETCH_FAILED;
}

enum fetch_result fetch_file(const char *url, int fd, char *why, size_t size)
{
	struct fetch f = {.fd = fd};
	enum fetch_result end = FETCH_FAILED;
	CURL *curl = curl_easy_init();

	snprintf(why, size, "no memory");
	if (curl && inflateInit2(&f.z, GZIP_ONLY) == Z_OK) {
		prepare(curl, url, &f);
		end = result(curl, curl_easy_perform(curl), &f, why, size);
		inflateEnd(&f.z);
	}
	curl_easy_cleanup(curl);
	return end;
}
