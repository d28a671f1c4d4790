package dev.interlock;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a user's code compiles against: nothing of the libraries inside, nothing internal. */
class PublicApiTest {

    private static final List<String> HIDDEN = List.of(
            "tools.jackson.",
            "com.fasterxml.",
            "io.github.resilience4j.",
            "okhttp3.",
            "okio.",
            "kotlin.",
            "dev.interlock.internal.");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.interlock");

    @Test
    void publicSignatures_showNothingOfTheInside() {
        List<String> shown = new ArrayList<>();
        List<JavaClass> types = publicTypes().toList();
        assertThat(types).extracting(JavaClass::getSimpleName).contains("SupabaseClient", "JobWorker", "Builder");
        for (JavaClass type : types) {
            Stream.concat(type.getRawSuperclass().stream(), type.getRawInterfaces().stream())
                    .filter(parent -> hidden(parent.getName()))
                    .forEach(parent -> shown.add(type.getName() + " is a " + parent.getName()));
            for (JavaMember member : type.getMembers()) {
                if (!visible(member)) {
                    continue;
                }
                typesOf(member)
                        .flatMap(part -> part.getAllInvolvedRawTypes().stream())
                        .map(JavaClass::getName)
                        .filter(PublicApiTest::hidden)
                        .distinct()
                        .forEach(name -> shown.add(member.getFullName() + " shows " + name));
            }
        }
        assertThat(shown)
                .containsExactly(
                        "dev.interlock.SupabaseClient$Builder.httpClient(okhttp3.OkHttpClient) shows okhttp3.OkHttpClient");
    }

    @Test
    void publicClasses_areFinalOrMadeToBeExtended() {
        assertThat(publicTypes()
                        .filter(type -> !type.isInterface() && !type.isEnum())
                        .filter(type -> !type.getModifiers().contains(JavaModifier.FINAL))
                        .filter(type -> !type.isAssignableTo(InterlockException.class))
                        .map(JavaClass::getSimpleName))
                .containsExactlyInAnyOrder("Filtered", "TypeRef");
    }

    /** Micrometer is optional: what a program without it loads must not need it. */
    @Test
    void micrometer_isTouchedByItsBindingAlone() {
        assertThat(CLASSES.stream()
                        .filter(type -> type.getDirectDependenciesFromSelf().stream()
                                .anyMatch(needs ->
                                        needs.getTargetClass().getName().startsWith("io.micrometer.")))
                        .map(JavaClass::getPackageName)
                        .distinct())
                .containsExactly("dev.interlock.micrometer");
        assertThat(CLASSES.stream()
                        .filter(type -> !type.getPackageName().equals("dev.interlock.micrometer"))
                        .filter(type -> type.getDirectDependenciesFromSelf().stream()
                                .anyMatch(needs ->
                                        needs.getTargetClass().getName().startsWith("dev.interlock.micrometer."))))
                .isEmpty();
    }

    private static Stream<JavaClass> publicTypes() {
        return CLASSES.stream()
                .filter(type -> type.getPackageName().equals("dev.interlock"))
                .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC));
    }

    private static boolean visible(JavaMember member) {
        return (member.getModifiers().contains(JavaModifier.PUBLIC)
                        || member.getModifiers().contains(JavaModifier.PROTECTED))
                && !member.getModifiers().contains(JavaModifier.SYNTHETIC);
    }

    private static Stream<JavaType> typesOf(JavaMember member) {
        if (member instanceof JavaField field) {
            return Stream.of(field.getType());
        }
        JavaCodeUnit unit = (JavaCodeUnit) member;
        return Stream.of(
                        Stream.of(unit.getReturnType()),
                        unit.getParameterTypes().stream(),
                        unit.getExceptionTypes().stream().map(JavaType.class::cast))
                .flatMap(parts -> parts);
    }

    private static boolean hidden(String name) {
        return HIDDEN.stream().anyMatch(name::startsWith);
    }
}
