/* SPDX-License-Identifier: MIT */
/*
 * "host:port": the resolver gets the host as it is, so that what it takes (names, scopes such as
 * fe80::1%eth0) we take.
 */
#include "address.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "error.h"

static int malformed(const char *text, const char *why)
{
	return bvi_fail(-EINVAL,
			"address \"%.128s\": %s; it is host:port, [IPv6]:port, or :port to listen "
			"on every interface",
			text, why);
}

static int parse_port(const char *text, const char *digits, char port[6])
{
	const size_t length = strspn(digits, "0123456789");

	if (length == 0 || length > 5 || digits[length] != '\0' || atoi(digits) < 1 ||
	    atoi(digits) > 65535)
		return malformed(text, "its port is not in 1..65535");
	memcpy(port, digits, length + 1);
	return 0;
}

int bvi_address_parse(const char *text, struct bvi_address *address)
{
	const char *colon, *host = text, *end;

	if (!text)
		return bvi_fail(-EINVAL, "exchange: the address is NULL");
	colon = strrchr(text, ':');
	if (!colon)
		return malformed(text, "it has no port");
	end = colon;
	if (text[0] == '[') {
		if (colon == text + 1 || colon[-1] != ']')
			return malformed(text, "its bracket does not end before the port");
		host++;
		end--;
	} else if (memchr(text, ':', (size_t)(colon - text))) {
		return malformed(text, "an IPv6 address goes into brackets");
	}
	if ((size_t)(end - host) >= sizeof(address->host))
		return malformed(text, "its host is too long");
	memcpy(address->host, host, (size_t)(end - host));
	address->host[end - host] = '\0';
	return parse_port(text, colon + 1, address->port);
}

int bvi_address_resolve(const struct bvi_address *address, bool passive, struct addrinfo **list)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0),
	};
	const char *host = address->host[0] ? address->host : NULL;
	const int rc = getaddrinfo(host, address->port, &hints, list);

	switch (rc) {
	case 0:
		return 0;
	case EAI_MEMORY:
		return bvi_fail(-ENOMEM, "exchange: no memory to resolve %s", address->host);
	case EAI_SYSTEM:
		return bvi_fail(bv_rc(-1), "exchange: %s cannot be resolved: %s", address->host,
				bvi_errno_text(bv_rc(-1)));
	default:
		return bvi_fail(-EADDRNOTAVAIL, "exchange: %s cannot be resolved: %s",
				address->host, gai_strerror(rc));
	}
}
