#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# icrc.py CAPTURE: computes the invariant CRC of every frame anew (IBA vol 1 section 7.8.1, annexes
# A16 and A17) and compares. tshark shows the field and does not judge it.

import struct
import sys
import zlib


def frames(data):
    """(link type, bytes) of each packet block of a pcapng file."""
    links, at = [], 0
    while at < len(data):
        kind, size = struct.unpack_from("=II", data, at)
        if kind == 1:
            links.append(struct.unpack_from("=H", data, at + 8)[0])
        elif kind == 6:
            interface, _, _, captured, _ = struct.unpack_from("=5I", data, at + 8)
            yield links[interface], data[at + 28:at + 28 + captured]
        if struct.unpack_from("=I", data, at + size - 4)[0] != size:
            sys.exit("block at byte %d has two lengths" % at)
        at += size


def invariant(link, frame):
    """The bytes that the CRC covers, with ones where the wire may change them; and the CRC."""
    if link == 197:  # a record with InfiniBand in it: LRH, variant CRC at the end
        frame = frame[16:]
        body = bytearray(frame[:-6])
        body[0] |= 0xF0
        crc, ip, bth = frame[-6:-2], 8, 8
        if frame[1] & 3 == 3:
            bth += 40
    else:
        ethertype = struct.unpack_from(">H", frame, 12)[0]
        body = bytearray(b"\xff" * 8 + frame[14:-4])
        crc, ip = frame[-4:], 8
        bth = ip + (28 if ethertype == 0x0800 else 48 if ethertype == 0x86DD else 40)
        if ethertype != 0x8915:
            body[bth - 2] = body[bth - 1] = 0xFF
    if bth > ip and body[ip] >> 4 == 4:
        for at in (1, 8, 10, 11):
            body[ip + at] = 0xFF
    elif bth > ip:
        body[ip] |= 0x0F
        for at in (1, 2, 3, 7):
            body[ip + at] = 0xFF
    body[bth + 4] = 0xFF
    return bytes(body), crc


def main():
    count = 0
    with open(sys.argv[1], "rb") as capture:
        data = capture.read()
    for link, frame in frames(data):
        count += 1
        body, crc = invariant(link, frame)
        if zlib.crc32(body).to_bytes(4, "little") != crc:
            sys.exit("frame %d: ICRC is %s" % (count, crc.hex()))
    print("%d frames, each with the right ICRC" % count)


main()
