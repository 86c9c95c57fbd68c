-- Trino has a cosine function for arrays since release 465. In older releases use the sum of products, which is equal
-- because the vectors have unit length:
-- `reduce(zip_with(a, b, (x, y) -> x * y), 0e0, (total, each) -> total + each, total -> total)`.
WITH wanted AS (
  SELECT coalesce(sequence_key, file_path) AS sequence_or_file, embedding_version, metadata_embedding
  FROM files
  WHERE file_path LIKE $file
), compared AS (
  SELECT coalesce(f.sequence_key, f.file_path) AS sequence_or_file,
         cosine_similarity(f.metadata_embedding, wanted.metadata_embedding) AS similarity
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
