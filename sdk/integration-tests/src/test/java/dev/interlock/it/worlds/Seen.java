package dev.interlock.it.worlds;

import java.util.Arrays;

/** The states found so far, by 128 bits of hash; each has a number, in the order found. */
@SuppressWarnings("OperatorPrecedence") // bits
final class Seen {

    private long[] hashes = new long[1 << 17];
    private int[] numbers = new int[1 << 16];
    private int size;

    /** The number of a state; negative, less one, if it is new and was given the number. */
    int number(long[] words, int n) {
        long a = 0x9e3779b97f4a7c15L;
        long b = 0xc2b2ae3d27d4eb4fL;
        for (int i = 0; i < n; i++) {
            a = mix(a ^ words[i]) + b;
            b = Long.rotateLeft(b, 31) * 0x165667b19e3779f9L ^ mix(words[i] + a);
        }
        a = mix(a ^ b) | 1;
        b = mix(b + a);
        int mask = numbers.length - 1;
        int at = (int) b & mask;
        while (hashes[2 * at] != 0) {
            if (hashes[2 * at] == a && hashes[2 * at + 1] == b) {
                return numbers[at];
            }
            at = at + 1 & mask;
        }
        hashes[2 * at] = a;
        hashes[2 * at + 1] = b;
        numbers[at] = size++;
        if (size * 2 > numbers.length) {
            grow();
        }
        return -size;
    }

    int size() {
        return size;
    }

    private void grow() {
        long[] old = hashes;
        int[] oldNumbers = numbers;
        hashes = new long[old.length * 2];
        numbers = new int[oldNumbers.length * 2];
        int mask = numbers.length - 1;
        for (int i = 0; i < oldNumbers.length; i++) {
            if (old[2 * i] != 0) {
                int at = (int) old[2 * i + 1] & mask;
                while (hashes[2 * at] != 0) {
                    at = at + 1 & mask;
                }
                hashes[2 * at] = old[2 * i];
                hashes[2 * at + 1] = old[2 * i + 1];
                numbers[at] = oldNumbers[i];
            }
        }
    }

    private static long mix(long z) {
        long x = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        x = (x ^ x >>> 27) * 0x94d049bb133111ebL;
        return x ^ x >>> 31;
    }

    /** Ints that grow. */
    static final class Ints {
        private int[] values = new int[1 << 16];
        private int size;

        void add(int value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, size * 2);
            }
            values[size++] = value;
        }

        int at(int i) {
            return values[i];
        }

        int size() {
            return size;
        }
    }
}
