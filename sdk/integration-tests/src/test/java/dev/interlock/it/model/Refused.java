package dev.interlock.it.model;

/** Misuse: the call changes nothing and raises this code. */
final class Refused extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final String code;

    Refused(String code) {
        super(code);
        this.code = code;
    }

    String code() {
        return code;
    }
}
