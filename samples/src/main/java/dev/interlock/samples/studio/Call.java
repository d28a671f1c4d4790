package dev.interlock.samples.studio;

/**
 * A call as the provider saw it.
 *
 * @param seat which of the model's seats it had there; less than zero when it was turned away (429)
 * @param together how many calls were inside when it began, of all models together, itself included
 * @param start when it came in, epoch milliseconds
 * @param end when it ended
 */
record Call(String model, String job, int step, String worker, int seat, int together, long start, long end) {

    boolean isRejected() {
        return seat < 0;
    }

    /** As a line of text, for the way between the processes. */
    String line() {
        return String.join(
                "\t",
                model,
                job,
                Integer.toString(step),
                worker,
                Integer.toString(seat),
                Integer.toString(together),
                Long.toString(start),
                Long.toString(end));
    }

    static Call parse(String line) {
        String[] parts = line.split("\t", -1);
        return new Call(
                parts[0],
                parts[1],
                Integer.parseInt(parts[2]),
                parts[3],
                Integer.parseInt(parts[4]),
                Integer.parseInt(parts[5]),
                Long.parseLong(parts[6]),
                Long.parseLong(parts[7]));
    }
}
