// SPDX-License-Identifier: GPL-2.0-or-later
/* buffer.c - see buffer.h. The size doubles; nothing here bounds it: its users append one row at a time. */
#include "view/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool grow(struct buffer *b, size_t more)
{
	size_t size = b->size ? b->size : 256;
	char *data;

	if (b->failed)
		return false;
	if (more <= b->size - b->len)
		return true;
	while (size - b->len < more) {
		if (size > (size_t)-1 / 2)
			goto fail;
		size *= 2;
	}
	data = realloc(b->data, size);
	if (!data)
		goto fail;
	b->data = data;
	b->size = size;
	return true;
fail:
	b->failed = true;
	return false;
}

void buffer_add(struct buffer *b, const void *bytes, size_t len)
{
	if (!len || !grow(b, len))
		return;
	memcpy(b->data + b->len, bytes, len);
	b->len += len;
}

void buffer_text(struct buffer *b, const char *text)
{
	buffer_add(b, text, strlen(text));
}

void buffer_fill(struct buffer *b, char c, size_t count)
{
	if (!count || !grow(b, count))
		return;
	memset(b->data + b->len, c, count);
	b->len += count;
}

void buffer_printf(struct buffer *b, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0) {
		b->failed = true;
		return;
	}
	if (!grow(b, (size_t)len + 1)) /* vsnprintf wants room for its NUL, which is not part of the text */
		return;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)len;
}

int buffer_write(struct buffer *b, FILE *out)
{
	size_t len = b->len;

	b->len = 0;
	if (b->failed)
		return -ENOMEM;
	errno = 0;
	if (len && fwrite(b->data, 1, len, out) != len)
		return errno ? -errno : -EIO;
	return 0;
}

void buffer_free(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){0};
}
