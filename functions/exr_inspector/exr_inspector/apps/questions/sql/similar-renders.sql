-- Which renders look like this one?
--
-- Rank sequences by their similarity to one frame. 1 means the same setup, regardless of path, frame or time.
--
-- $file path such as %/shows/hill/sq010/sh010/render/beauty.1001.exr: The file to compare with. Its own sequence is omitted.
-- $similarity number = 0.9: The minimum similarity.
--
-- | sequence_or_file | frames | similarity |
-- |---|---|---|
-- | hill/sq010/sh010/render/beauty.@@@@@.exr | 1 | 1.0 |
-- | hill/sq010/sh020/render/beauty.#.exr | 6 | 1.0 |
WITH wanted AS (
  SELECT coalesce(sequence_key, file_path) AS sequence_or_file, embedding_version, metadata_embedding
  FROM files
  WHERE file_path LIKE $file
), compared AS (
  SELECT coalesce(f.sequence_key, f.file_path) AS sequence_or_file,
         array_cosine_similarity(f.metadata_embedding, wanted.metadata_embedding) AS similarity
  FROM files AS f
  JOIN wanted ON f.embedding_version = wanted.embedding_version
  WHERE coalesce(f.sequence_key, f.file_path) <> wanted.sequence_or_file AND f.file_path LIKE $path
)
SELECT sequence_or_file, count(*) AS frames, round(max(similarity), 2) AS similarity
FROM compared
GROUP BY 1
HAVING max(similarity) > $similarity
ORDER BY 3 DESC, 1
LIMIT $limit
