# SPDX-License-Identifier: MIT
#
# Man pages of the calls, made of the comments in include/bareverbs:
#
#	awk -v out=DIRECTORY -v version=VERSION -f man.awk HEADER...
#
#	man3/CALL.3		a comment of calls; the others it speaks of are links to the first
#	man3/TYPE.3type		a comment of a struct or enum
#	man7/bareverbs_HEADER.7	what a header opens with, its calls, its constants
#
# A comment to make a page of starts with two stars. Then come "name, name - title" (lines), lines
# "@argument: text", paragraphs with code behind a tab, and parts "Return:", "Owner:", "Threads:",
# "Blocks:", which start a line or stand behind two spaces. Calls declared behind a comment are part
# of it until the next one. A call without a comment, or a comment without its parts, is an error.

function fail(where, what)
{
	print where ": " what > "/dev/stderr"
	failed = 1
}

# Reading

BEGIN {
	nparts = split("Owner Threads Blocks", part, " ")
	split("OWNERSHIP,THREADS,BLOCKING", heading, ",")
	marker = "(Return|Owner|Threads|Blocks): "
}

FNR == 1 {
	header = FILENAME
	gsub(/.*\/|\.h$/, "", header)
	order[++nheaders] = header
	current = 0
	comment = held = statement = definition = ""
	next
}

# Comments: of a page; what the header opens with; else held for the constant that may follow.
/^\/\*\*$/ {
	current = ++npages
	of[current] = header
	place[current] = FILENAME ":" FNR
	comment = "page"
	stage = "title"
	next
}

/^\/\*$/ {
	comment = header in opening ? "held" : "opening"
	held = "\t/*\n"
	next
}

/^\/\* .*\*\/$/ {
	held = "\t" $0 "\n"
	next
}

comment != "" && /^ \*\/$/ {
	held = comment == "held" ? held "\t */\n" : ""
	comment = ""
	next
}

comment == "held" {
	held = held "\t" $0 "\n"
	next
}

comment == "opening" {
	sub(/^ \* ?/, "")
	opening[header] = opening[header] (opening[header] == "" ? "" : "\n") $0
	next
}

comment == "page" {
	sub(/^ \* ?/, "")
	read_comment(current, $0)
	next
}

# Calls: up to the body, or the semicolon.
/^(BV_API|BVI_INLINE|static inline) / || statement != "" {
	statement = statement " " $0
	if (/[{;]/) {
		sub(/ *[{;].*/, "", statement)
		match(statement, /[A-Za-z0-9_]+\(/)
		declared(substr(statement, RSTART, RLENGTH - 1), statement)
		statement = ""
	}
	next
}

/^#define (bv_[a-z0-9_]+|BV_SCOPE[A-Z_]*)\(/ {
	sub(/^#define /, "")
	declared(substr($0, 1, index($0, "(") - 1), substr($0, 1, index($0, ")")))
	next
}

/^#define BV_/ && !/_H$|__attribute__|_DECLS/ || continued {
	constants[header] = constants[header] held "\t" $0 "\n"
	continued = /\\$/
	held = ""
	next
}

/^(struct|enum) [a-z_]+ \{$/ {
	definition = $2
	is_enum = $1 == "enum"
	is_private = 0
}

definition != "" {
	read_definition($0)
	if (/^};/)
		definition = held = ""
	next
}

/^$/ {
	if (constants[header] ~ /[^\t]\n$/)
		constants[header] = constants[header] "\t\n"
	held = ""
}

function read_comment(p, line,	piece, n, i, key)
{
	if (stage == "parts" || line ~ "^" marker) {
		stage = "parts"
		gsub("(^|  )" marker, "\n&", line)
		n = split(line, piece, "\n")
		for (i = 1; i <= n; i++) {
			gsub(/^[ \t]+/, "", piece[i])
			if (match(piece[i], "^" marker)) {
				last_part = substr(piece[i], 1, RLENGTH - 2)
				piece[i] = substr(piece[i], RLENGTH + 1)
			}
			if (piece[i] != "")
				add_word(parts, p SUBSEP last_part, piece[i])
		}
	} else if (stage == "text") {
		text[p] = text[p] line "\n"
	} else if (line == "") {
		stage = "text"
	} else if (line ~ /^@/) {
		stage = "arguments"
		args[p, ++nargs[p]] = line
	} else {
		sub(/^\t/, "", line)
		if (stage == "arguments")
			add_word(args, p SUBSEP nargs[p], line)
		else
			read_title(p, line)
	}
}

function add_word(array, key, word)
{
	array[key] = array[key] (array[key] == "" ? "" : " ") word
}

# "name, name - title", which may go on behind the dash in the next line.
function read_title(p, line,	at, names, n, i)
{
	line = unfinished line
	unfinished = line ~ / -$/ ? line " " : ""
	if (unfinished != "")
		return
	at = index(line, " - ")
	titles[p] = titles[p] (titles[p] == "" ? "" : "; ") substr(line, at + 3)
	n = split(substr(line, 1, at - 1), names, /, /)
	for (i = 1; i <= n; i++) {
		is_type[p] = sub(/^(struct|enum) /, "", names[i])
		adopt(p, names[i])
	}
}

function adopt(p, name)
{
	if (!((name, is_type[p]) in page)) {
		page[name, is_type[p]] = p
		members[p] = members[p] (members[p] == "" ? "" : ", ") name
	}
}

function declared(name, signature,	words, n, i, line)
{
	if (name ~ /^bvi_/ || name in has_signature)
		return
	has_signature[name] = 1
	if (!current || is_type[current]) {
		fail(FILENAME ":" FNR, name " has no comment")
		return
	}
	adopt(current, name)
	gsub(/(BV_API|BV_MUST_CHECK|BV_COLD|BVI_INLINE|static inline) /, "", signature)
	returns_nothing[current] = signature ~ /^ *void [^*]/ || name ~ /^BV/
	n = split(signature ";", words, /[ \t]+/)
	for (i = 1; i <= n; i++) {
		if (length(line " " words[i]) > 76) {
			synopsis[current] = synopsis[current] line "\n"
			line = "       "
		}
		line = line (line == "" ? "" : " ") words[i]
	}
	synopsis[current] = synopsis[current] line "\n"
}

# The definition of the type that the comment is about; another enum is one of the constants.
function read_definition(line)
{
	if (line ~ /\/\* private: \*\//) {
		is_private = 1
		line = "\t/* private members */"
	} else if (is_private && line !~ /^};/) {
		return
	}
	if (current && page[definition, 1] == current) {
		gsub(/\t/, "    ", line)
		synopsis[current] = synopsis[current] line "\n"
	} else if (is_enum) {
		constants[header] = constants[header] held "\t" line "\n"
		held = ""
	}
}

# Writing

function code(line,	at)
{
	gsub(/…/, "...", line)
	while ((at = index(line, "\t")))
		line = substr(line, 1, at - 1) substr("        ", 1 + (at - 1) % 8) substr(line, at + 1)
	gsub(/\\/, "\\e", line)
	gsub(/-/, "\\-", line)
	gsub(/'/, "\\(aq", line)
	gsub(/\^/, "\\(ha", line)
	gsub(/~/, "\\(ti", line)
	return (line ~ /^\./ ? "\\&" : "") line
}

# Arguments in italics, calls that have a page in bold.
function prose(line,	name, done)
{
	line = code(line)
	gsub(/@[A-Za-z_][A-Za-z0-9_]*/, "\\fI&\\fR", line)
	gsub(/\\fI@/, "\\fI", line)
	while (match(line, /bv_[a-z0-9_]+\(\)/)) {
		name = substr(line, RSTART, RLENGTH - 2)
		done = done substr(line, 1, RSTART - 1)
		done = done (((name, 0) in page) ? "\\fB" name "\\fR(3)" : name "()")
		line = substr(line, RSTART + RLENGTH)
	}
	return done line
}

# Paragraphs; lines behind a tab are code.
function write_text(text, file,	lines, n, i, in_code)
{
	n = split(text, lines, "\n")
	for (i = 1; i <= n; i++) {
		if (in_code != (lines[i] ~ /^\t/)) {
			in_code = !in_code
			print (in_code ? ".RS 4\n.EX" : ".EE\n.RE") > file
		}
		if (in_code)
			print code(substr(lines[i], 2)) > file
		else if (lines[i] != "")
			print prose(lines[i]) > file
		else if (i < n && lines[i + 1] !~ /^\t?$/)
			print ".PP" > file
	}
	if (in_code)
		print ".EE\n.RE" > file
}

# "0; -EINVAL why; -EIO why" as a list.
function write_return(text, file,	item, n, i, tag)
{
	gsub(/(;|, and:) -(E[A-Z]|errno)/, "&\001", text)
	gsub(/ -E[A-Z]\001| -errno\001/, "\n&", text)
	gsub(/\001/, "", text)
	n = split(text, item, "\n")
	for (i = 1; i <= n; i++) {
		sub(/^ /, "", item[i])
		sub(/;$/, ".", item[i])
		if (match(item[i], /^-(E[A-Z0-9]+|errno)(, (-E[A-Z0-9]+|…))*[:.]? ?/)) {
			tag = substr(item[i], 1, RLENGTH)
			item[i] = substr(item[i], RLENGTH + 1)
			sub(/ $/, "", tag)
			print ".TP\n" prose(tag) > file
		}
		print (item[i] == "" ? "\\&" : prose(item[i])) > file
	}
}

function write_head(file, name, section, names, title)
{
	printf ".TH %s %s \"\" \"bareverbs %s\" bareverbs\n", name, section, version > file
	gsub(/@/, "", title)
	printf ".SH NAME\n%s \\- %s\n", code(names), code(title) > file
}

function write_page(p,	names, n, i, at, file, lines)
{
	n = split(members[p], names, ", ")
	file = out "/man3/" names[1] (is_type[p] ? ".3type" : ".3")
	write_head(file, names[1], is_type[p] ? "3type" : "3", members[p], titles[p])
	print ".SH SYNOPSIS\n.nf\n.B #include <bareverbs/bareverbs.h>\n.PP" > file
	n = split(synopsis[p], lines, "\n")
	for (i = 1; i < n; i++)
		print "\\fB" code(lines[i]) "\\fR" > file
	print ".fi" > file
	for (i = 1; i <= nargs[p]; i++) {
		if (i == 1)
			print ".SH " (is_type[p] ? "MEMBERS" : "ARGUMENTS") > file
		at = index(args[p, i], ": ")
		print ".TP\n" prose(substr(args[p, i], 1, at - 1)) > file
		print prose(substr(args[p, i], at + 2)) > file
	}
	if (text[p] != "") {
		print ".SH DESCRIPTION" > file
		write_text(text[p], file)
	}
	if ((p, "Return") in parts) {
		print ".SH RETURN VALUE" > file
		write_return(parts[p, "Return"], file)
	}
	for (i = 1; i <= nparts; i++)
		if ((p, part[i]) in parts)
			print ".SH " heading[i] "\n" prose(parts[p, part[i]]) > file
		else if (!is_type[p])
			fail(place[p], names[1] ": no " part[i] ":")
	if (!is_type[p] && !returns_nothing[p] && !((p, "Return") in parts))
		fail(place[p], names[1] ": no Return:")
	print ".SH SEE ALSO\n.BR bareverbs_" of[p] " (7)" > file
	close(file)
}

function write_links(p,	names, n, i, file)
{
	n = split(members[p], names, ", ")
	for (i = 2; i <= n; i++) {
		file = out "/man3/" names[i] ".3"
		print ".so man3/" names[1] ".3" > file
		close(file)
	}
}

# The first sentence of the opening.
function summary(h,	line)
{
	line = opening[h]
	gsub(/\n/, " ", line)
	sub(/\. .*$|\.$/, "", line)
	sub(/^bareverbs: /, "", line)
	return line
}

function write_overview(h,	file, p, names, any)
{
	file = out "/man7/bareverbs_" h ".7"
	write_head(file, "bareverbs_" h, 7, "bareverbs_" h, summary(h))
	print ".SH SYNOPSIS\n.B #include <bareverbs/bareverbs.h>\n.SH DESCRIPTION" > file
	write_text(opening[h], file)
	for (p = 1; p <= npages; p++)
		if (of[p] == h) {
			split(members[p], names, ", ")
			print (any++ ? "" : ".SH PAGES\n") ".TP" > file
			print "\\fB" names[1] "\\fR(3" (is_type[p] ? "type" : "") ")" > file
			print prose(titles[p]) > file
		}
	if (constants[h] != "") {
		print ".SH CONSTANTS" > file
		write_text(constants[h], file)
	}
	print ".SH SEE ALSO\n.BR bareverbs (7)" > file
	close(file)
}

# The header that includes the others leads to them.
function write_index(	file, i)
{
	file = out "/man7/bareverbs.7"
	write_head(file, "bareverbs", 7, "bareverbs", summary("bareverbs"))
	print ".SH SYNOPSIS\n.B #include <bareverbs/bareverbs.h>\n.SH PAGES" > file
	for (i = 1; i <= nheaders; i++)
		if (order[i] != "bareverbs") {
			print ".TP\n\\fBbareverbs_" order[i] "\\fR(7)" > file
			print prose(summary(order[i])) > file
		}
	print ".SH SEE ALSO\n.BR bv (1),\n.BR mlx5emu (1)" > file
	close(file)
}

END {
	for (p = 1; p <= npages; p++) {
		write_page(p)
		write_links(p)
	}
	for (i = 1; i <= nheaders; i++)
		if (order[i] != "bareverbs")
			write_overview(order[i])
	write_index()
	exit failed
}
