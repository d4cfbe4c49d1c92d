/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * upload.h - one file on its way to VirusTotal: ordered (from the hasher, who alone can open it:
 * hasher/fetch.h), handed over, sent. Each step is one request at most, so that its caller can keep the
 * pauses between them.
 */
#ifndef FEMTOSNITCH_STORE_VIRUSTOTAL_UPLOAD_H
#define FEMTOSNITCH_STORE_VIRUSTOTAL_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "config/stage.h"
#include "store/virustotal/ask.h"

#define UPLOAD_FETCH_S 30 /* for the hasher to answer */

enum upload_state {
	UPLOAD_NONE,
	UPLOAD_ORDERED,
	UPLOAD_READY /* for upload_step() */
};

struct upload {
	enum upload_state state;
	uint8_t sha256[WIRE_SHA256_SIZE];
	int64_t until_s; /* ORDERED: for how long */
	struct source *source;
	char url[ASK_URL_MAX]; /* of a large one; "": not known yet */
};

/* Order the file that lies at exe. False: it cannot be ordered now. */
bool upload_order(struct upload *, struct stage *, const uint8_t sha256[WIRE_SHA256_SIZE], const char *exe,
		  int64_t now_s);

/* The hasher's answer. NULL: the file is ready, or the answer is about another; else why it is not to be had.
 */
const char *upload_fetched(struct upload *, struct stage *, const struct wire_fetched *);

/* One request. ASK_GO_ON: there is another one; else this upload is over. */
enum ask_result upload_step(struct upload *, const struct ask *, struct ask_answer *);

void upload_end(struct upload *); /* whatever its state */

#endif
