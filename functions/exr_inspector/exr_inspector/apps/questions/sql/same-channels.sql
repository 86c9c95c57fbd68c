-- Which sequences have the same channels as this one?
--
-- Compare only the channel fingerprint: names, types and sampling.
--
-- $file path such as %/shows/hill/sq010/sh010/comp/comp.1001.exr: The file to compare with.
WITH wanted AS (
  SELECT embedding_version, channel_fingerprint
  FROM files
  WHERE file_path LIKE $file
)
SELECT f.sequence_key, count(*) AS frames
FROM files AS f
JOIN wanted ON f.embedding_version = wanted.embedding_version
WHERE f.header_hash IS NOT NULL
  AND f.sequence_key IS NOT NULL
  AND f.file_path LIKE $path
  AND array_cosine_similarity(f.channel_fingerprint, wanted.channel_fingerprint) > 0.999
GROUP BY 1
ORDER BY 1
