/* SPDX-License-Identifier: MIT */
/*
 * Takes out of texts what tells whose machine it was: GIDs, GUIDs, MAC and IP addresses, and words such
 * as the host's name. What kind of address it was stays, as far as it matters: "fe80::<hidden>",
 * "::ffff:<hidden>". Versions and PCI addresses are none of these.
 */
#ifndef BV_TOOLS_BV_HIDE_H
#define BV_TOOLS_BV_HIDE_H

#include <stddef.h>

#include <jansson.h>

struct hide_word {
	const char *word; /* as a whole word only; NULL or "" is none */
	const char *instead;
};

/* What does not fit into @out is cut off. */
void hide_text(const char *text, const struct hide_word *words, size_t nwords, char *out,
	       size_t size);
/* Every string value below @root; not the names of members. Return: 0, or -ENOMEM with its text. */
int hide_json(json_t *root, const struct hide_word *words, size_t nwords);

#endif
