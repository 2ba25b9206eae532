# docker build -t grue .         then: docker run grue --help, docker run grue operator ..., docker run grue worker ...
# The base is any image with Node 24 and npm. What runs needs neither npm nor a shell: Node in the PATH, or where distroless has it.
ARG BASE=node:24-bookworm-slim
ARG RUNTIME=${BASE}

FROM ${BASE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# The user's own npm settings, for a registry that is not the public one: docker build --secret id=npmrc,src=$HOME/.npmrc
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
RUN npm run build -- --ship /out/app \
 && mkdir -p /native/app /out/usr/local/bin \
 && mv /out/app/node_modules /native/app \
 && ln -s /app/grue.js /out/usr/local/bin/grue

FROM ${RUNTIME}
# apart, because it is nearly all of the size and changes seldom
COPY --from=build /native /
COPY --from=build /out /
ARG VERSION=0.0.0-unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="grue" \
      org.opencontainers.image.description="Blue-green deployment of streaming topologies on Kubernetes, with proof of parity" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/nodejs/bin
USER 1000:1000
# The first process is Node itself: it hears SIGTERM, and there is no shell to swallow it.
ENTRYPOINT ["node", "--max-semi-space-size=1", "/app/grue.js"]
CMD ["--help"]
