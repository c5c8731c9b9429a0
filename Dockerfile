# syntax=docker/dockerfile:1
# The forum: one executable with the site inside, in an image with nothing else but what it links to.
#
# There are no cache mounts, because Railway refuses those that do not name one of its services. What changes seldom
# comes first instead.

FROM node:22-trixie-slim AS tools
WORKDIR /forum/end2end
COPY end2end/package.json end2end/package-lock.json ./
# wasm-opt, which makes the client half as large. The tests' browsers are not wanted.
RUN PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund

FROM rust:1.94-trixie AS build
# What asks the server how it is: the last stage has no shell, no curl.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends busybox-static \
    && rm -rf /var/lib/apt/lists/* \
    && mkdir -p /empty/data
RUN rustup target add wasm32-unknown-unknown
COPY --from=tools /usr/local/bin/node /usr/local/bin/node
WORKDIR /forum
COPY . .
COPY --from=tools /forum/end2end/node_modules end2end/node_modules
RUN cargo --locked xtask build

# glibc and the CAs' certificates, which Telegram, mail servers and `rediss://` need. Its user is 65532, `nonroot`.
FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /usr/bin/busybox /usr/bin/wget
# Where SQLite's file would be, for a single instance.
COPY --from=build --chown=65532:65532 /empty/ /forum/
COPY --from=build /forum/target/release/forum /usr/bin/forum
WORKDIR /forum
USER 65532:65532
# Of every address, IPv6 and IPv4. A platform that says another port by PORT, as Railway does, is listened to.
ENV APP_ENV=production PORT=3000
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["/usr/bin/wget", "-q", "--spider", "http://127.0.0.1:3000/health/live"]
ENTRYPOINT ["/usr/bin/forum"]
