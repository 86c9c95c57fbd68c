-- Trino has a cosine function for arrays since release 465. In older releases use the sum of products, which is equal
-- because the vectors have unit length:
-- `reduce(zip_with(a, b, (x, y) -> x * y), 0e0, (total, each) -> total + each, total -> total)`.
WITH wanted AS (
  SELECT sequence_key, embedding_version, metadata_embedding
  FROM files
  WHERE file_path LIKE $file
), compared AS (
  SELECT f.sequence_key,
         cosine_similarity(f.metadata_embedding, wanted.metadata_embedding) AS similarity
  FROM files AS f
  JOIN wanted ON f.embedding_version = wanted.embedding_version
  WHERE f.sequence_key <> wanted.sequence_key AND f.file_path LIKE $path
)
SELECT sequence_key, count(*) AS frames, round(max(similarity), 2) AS similarity
FROM compared
GROUP BY 1
HAVING max(similarity) > $similarity
ORDER BY 3 DESC, 1
LIMIT $limit
