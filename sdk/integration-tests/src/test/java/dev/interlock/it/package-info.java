/** The whole system over HTTP against a real PostgREST and a real PostgreSQL. */
package dev.interlock.it;
