// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tun plain|pi|vnet NAME ADDRESS COUNT SIZE [MORE] - a VPN: makes the TUN interface NAME with ADDRESS/24 and
 * gives it COUNT packets of SIZE bytes; with MORE, says "ready" and reads until MORE UDP packets came. Says
 * the bytes of the packets, without what pi (struct tun_pi) and vnet (struct virtio_net_hdr) put before each.
 *
 * tun macvtap FILE - COUNT SIZE [MORE] - the same with Ethernet frames through a macvtap interface that is
 * there already, by its FILE; waits for MORE frames of EtherType 0x88b5.
 */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdbool.h>
#include <sys/ioctl.h>

#include "tests/actors/actor.h"

#define VNET_HDR 10 /* struct virtio_net_hdr, what a new interface begins with */

static int headers(const char *how, short *flags)
{
	*flags = IFF_TUN | IFF_NO_PI;
	if (strcmp(how, "plain") == 0)
		return 0;
	if (strcmp(how, "vnet") == 0 || strcmp(how, "macvtap") == 0) {
		*flags |= IFF_VNET_HDR;
		return VNET_HDR;
	}
	if (strcmp(how, "pi"))
		usage("plain|pi|vnet|macvtap NAME ADDRESS COUNT SIZE [MORE]");
	*flags = IFF_TUN;
	return sizeof(struct tun_pi);
}

static int tun_open(const char *name, short flags)
{
	struct ifreq ifr = {.ifr_flags = flags};
	int fd = open("/dev/net/tun", O_RDWR);

	if (fd < 0)
		cannot("no /dev/net/tun");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr))
		die("TUNSETIFF");
	return fd;
}

static void up(const char *name, const char *host)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct ifreq ifr = {};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	inet_pton(AF_INET, host, &in.sin_addr);
	memcpy(&ifr.ifr_addr, &in, sizeof(in));
	if (fd < 0 || ioctl(fd, SIOCSIFADDR, &ifr))
		die("address");
	inet_pton(AF_INET, "255.255.255.0", &in.sin_addr);
	memcpy(&ifr.ifr_netmask, &in, sizeof(in));
	if (ioctl(fd, SIOCSIFNETMASK, &ifr))
		die("netmask");
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		die("up");
	close(fd);
}

/* IPv4 with a protocol for experiments, to nobody: dropped behind the interface. */
static void packet(unsigned char *p, size_t size, int before, bool frame)
{
	memset(p, 0, size + before);
	if (frame) {
		memset(p + before, 0xff, 6);
		memcpy(p + before + 12, "\x88\xb5", 2);
		return;
	}
	if (before == sizeof(struct tun_pi))
		p[2] = 0x08; /* EtherType */
	p += before;
	p[0] = 0x45;
	p[2] = size >> 8;
	p[3] = size & 0xff;
	p[8] = 64;
	p[9] = 253;
	memcpy(p + 12, "\xc6\x13\xff\x02\xc6\x13\xff\x01", 8);
}

int main(int argc, char **argv)
{
	unsigned char buf[65536];
	struct moved m = {};
	unsigned long long count, size, more;
	int before, fd;
	short flags;
	bool frames;

	if (argc < 6)
		usage("plain|pi|vnet|macvtap NAME ADDRESS COUNT SIZE [MORE]");
	before = headers(argv[1], &flags);
	count = amount(argv[4]);
	size = amount(argv[5]);
	more = argc > 6 ? amount(argv[6]) : 0;
	frames = argv[2][0] == '/';
	fd = frames ? open(argv[2], O_RDWR) : tun_open(argv[2], flags);
	if (fd < 0)
		die(argv[2]);
	if (!frames)
		up(argv[2], argv[3]);
	packet(buf, size, before, frames);
	while (count--) {
		if (write(fd, buf, size + before) != (ssize_t)(size + before))
			die("write");
		m.sent += size;
	}
	if (more)
		step("ready");
	while (more) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < before)
			die("read");
		m.received += n - before;
		more -= frames ? memcmp(buf + before + 12, "\x88\xb5", 2) == 0
			       : buf[before] == 0x45 && buf[before + 9] == IPPROTO_UDP;
	}
	moved_say(&m);
	return 0;
}
